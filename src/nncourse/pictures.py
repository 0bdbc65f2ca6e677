"""Pictures with matplotlib: decision regions, curves, histograms, contours, matrices, networks.

They draw what they are given and compute nothing that a chapter would want to quote. Figures with
controls to move are the explorables' business, not theirs.

Every function returns a `Picture`: the figure together with its alternative text. Backgrounds are
transparent, and ink and colours have enough contrast on white and on near-black, so that one file
serves light and dark pages. Colours differ in lightness and come with a marker or a line style of
their own, so that nobody needs to tell them apart by hue.
"""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nncourse.arguments import Array, finite, real_array, whole_number
from nncourse.metrics import as_labels
from nncourse.palette import BOTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = BOTH["grey"]
"""A grey for axes and words, with a contrast of about 4 to 1 or more on white and near-black."""

COLORS = tuple(BOTH[name] for name in ("blue", "orange", "green", "purple", "brown", "grey"))
"""Line and marker colours, 3 to 1 or more on white and near-black; see `nncourse.palette`."""

MARKERS = ("o", "s", "^", "D", "v", "P")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)), (0, (1, 2)))
SIZE = (6.0, 3.6)


@dataclass(frozen=True)
class Picture:
    """A figure and what it shows in words.

    In a notebook it displays itself as an SVG image that carries the words along, so that screen
    readers and the built book have them. In a script, ``picture.figure.savefig("name.png")`` keeps it.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        To change or to save.
    alt : str
        The alternative text.
    """

    figure: Figure
    alt: str

    def svg(self) -> str:
        """Return the figure as SVG text, the same for the same figure."""
        buffer = io.StringIO()
        with matplotlib.rc_context({"svg.hashsalt": "nncourse"}):
            self.figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
        return buffer.getvalue()

    def _repr_html_(self) -> str:
        data = quote(self.svg(), safe=" =:/;,()")  # not base64, in which a page hardly compresses
        alt = html.escape(self.alt, quote=True)
        return f'<img alt="{alt}" src="data:image/svg+xml,{data}" style="max-width:100%">'


def _figure(xlabel: str, ylabel: str, title: str, size: tuple[float, float] = SIZE) -> tuple[Figure, Axes]:
    """Return a figure with one set of axes in our ink and no background."""
    figure = Figure(figsize=size, layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    _ink(axes)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.set_title(title)
    return figure, axes


def _ink(axes: Axes) -> None:
    axes.patch.set_alpha(0)
    axes.tick_params(colors=INK)
    for spine in axes.spines.values():
        spine.set_color(INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for text in (axes.title, axes.xaxis.label, axes.yaxis.label):
        text.set_color(INK)


def _legend(axes: Axes, **where: Any) -> None:
    axes.legend(frameon=False, labelcolor=INK, **where)


def _style(place: int) -> dict[str, Any]:
    return {"color": COLORS[place % len(COLORS)], "linestyle": LINES[place % len(LINES)]}


def decision_regions(
    predict: Callable[[Array], npt.NDArray[Any]],
    X: Array,
    y: npt.ArrayLike,
    *,
    title: str = "",
    resolution: int = 200,
) -> Picture:
    """Draw which class a classifier gives to every point of the plane, and the data on top.

    Parameters
    ----------
    predict : callable
        From points (n, 2) to labels (n,) or scores (n, k), for example ``network.predict``.
    X : array of shape (n, 2)
        The points.
    y : array of int, shape (n,)
        Their classes.
    title : str
        Above the axes.
    resolution : int
        How many points to ask for along each axis.
    """
    labels = as_labels("y", y)
    if X.ndim != 2 or X.shape[1] != 2 or len(X) != len(labels):
        raise ValueError(f"X should have the shape (n, 2) with n = {len(labels)} labels, but got {X.shape}.")
    finite("X", X)
    whole_number("resolution", resolution, at_least=2)
    margin = 0.08 * np.ptp(X, axis=0) + 1e-9
    (x_low, y_low), (x_high, y_high) = X.min(axis=0) - margin, X.max(axis=0) + margin
    across = np.linspace(x_low, x_high, resolution)
    up = np.linspace(y_low, y_high, resolution)
    plane = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2).astype(X.dtype)
    regions = as_labels("the result of predict", predict(plane))
    num_classes = int(max(regions.max(), labels.max())) + 1
    figure, axes = _figure("x₀", "x₁", title, (4.6, 4.0))
    axes.imshow(
        regions.reshape(resolution, resolution),
        origin="lower",
        extent=(x_low, x_high, y_low, y_high),
        aspect="auto",
        interpolation="nearest",
        alpha=0.25,
        cmap=ListedColormap([COLORS[k % len(COLORS)] for k in range(num_classes)]),
        vmin=-0.5,
        vmax=num_classes - 0.5,
    )
    for k in np.unique(labels):
        across_k, up_k = X[labels == k].T
        axes.scatter(
            across_k,
            up_k,
            s=18,
            color=COLORS[k % len(COLORS)],
            marker=MARKERS[k % len(MARKERS)],
            label=f"class {k}",
        )
    _legend(axes, loc="upper left", bbox_to_anchor=(1, 1))
    right = int((as_labels("the result of predict", predict(X)) == labels).sum())
    return Picture(
        figure,
        f"The plane coloured by predicted class, with {len(X)} data points of "
        f"{len(np.unique(labels))} classes; {right} of them lie in the region of their own class.",
    )


def curves(
    lines: Mapping[str, npt.ArrayLike],
    *,
    x: npt.ArrayLike | None = None,
    xlabel: str = "epoch",
    ylabel: str = "loss",
    title: str = "",
    log: bool = False,
) -> Picture:
    """Draw curves such as training and validation loss, each with a line style of its own.

    Parameters
    ----------
    lines : mapping of str to array of shape (n,)
        Each curve by its name in the legend; ``{"training": history.loss, ...}``.
    x : array of shape (n,) or None
        What they stand over; None counts from 1.
    xlabel, ylabel, title : str
        Words.
    log : bool
        Whether the upward axis is logarithmic.
    """
    if not lines:
        raise ValueError("lines should hold at least one curve, but got none.")
    figure, axes = _figure(xlabel, ylabel, title)
    told = []
    for place, (name, values) in enumerate(lines.items()):
        heights = real_array(f"lines[{name!r}]", values)
        if heights.ndim != 1 or heights.size == 0:
            raise ValueError(
                f"lines[{name!r}] should have the shape (n,) with n at least 1, but got {heights.shape}."
            )
        finite(f"lines[{name!r}]", heights)
        over = np.arange(1, len(heights) + 1) if x is None else real_array("x", x)
        axes.plot(over, heights, label=name, **_style(place))
        told.append(f"{name} goes from {heights[0]:.3g} to {heights[-1]:.3g}, lowest {heights.min():.3g}")
    if x is None:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if log:
        axes.set_yscale("log")
    _legend(axes)
    return Picture(figure, f"{ylabel.capitalize()} against {xlabel}: {'; '.join(told)}.")


def layer_histograms(layers: Mapping[str, Array], *, bins: int = 40, title: str = "") -> Picture:
    """Draw one histogram per layer, side by side on one scale, with its standard deviation.

    Parameters
    ----------
    layers : mapping of str to array
        Activations, weights or gradients by layer, of any shapes.
    bins : int
        How many bars each.
    title : str
        Above all.
    """
    if not layers:
        raise ValueError("layers should hold at least one array, but got none.")
    whole_number("bins", bins)
    for name, values in layers.items():
        finite(f"layers[{name!r}]", values)
    largest = max(float(np.abs(values).max()) for values in layers.values()) or 1.0
    figure = Figure(figsize=(max(6.0, 1.5 * len(layers)), 2.6), layout="constrained")
    figure.patch.set_alpha(0)
    told = []
    for place, (name, values) in enumerate(layers.items()):
        axes = figure.add_subplot(1, len(layers), place + 1)
        _ink(axes)
        axes.hist(values.ravel(), bins=bins, range=(-largest, largest), color=COLORS[0])
        axes.set_yticks([])
        axes.set_title(f"{name}\nstd {values.std():.2g}", color=INK, fontsize="small")
        told.append(f"{name} {values.std():.2g}")
    figure.suptitle(title, color=INK)
    return Picture(
        figure,
        f"Histograms of {len(layers)} layers between {-largest:.2g} and {largest:.2g}; "
        f"standard deviations: {', '.join(told)}.",
    )


def confusion(
    counts: npt.NDArray[np.integer[Any]], class_names: Sequence[str] | None = None, title: str = ""
) -> Picture:
    """Draw a confusion matrix, true classes down, predicted classes across, numbers in the cells.

    Parameters
    ----------
    counts : array of int, shape (k, k)
        From `nncourse.metrics.confusion_matrix`.
    class_names : sequence of str, or None
        k names; None numbers the classes.
    title : str
        Above the matrix.
    """
    counts = np.asarray(counts)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.size == 0:
        raise ValueError(f"counts should have the shape (k, k), but got {counts.shape}.")
    k = len(counts)
    names = [str(i) for i in range(k)] if class_names is None else list(class_names)
    if len(names) != k:
        raise ValueError(f"class_names should be {k} names, but got {len(names)}.")
    figure, axes = _figure("predicted", "true", title, (0.5 * k + 1.4, 0.45 * k + 1.2))
    shade = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shade, cmap="cividis", vmin=0, vmax=1)
    axes.set_xticks(range(k), names)
    axes.set_yticks(range(k), names)
    for (row, column), count in np.ndenumerate(counts):
        color = "black" if shade[row, column] > 0.5 else "white"
        axes.text(column, row, str(count), ha="center", va="center", color=color, fontsize="small")
    mistakes = np.where(np.eye(k, dtype=bool), 0, counts)
    told = "no mistakes"
    if mistakes.any():
        row, column = np.unravel_index(mistakes.argmax(), mistakes.shape)
        told = f"most frequent mistake: {names[row]} taken for {names[column]}, {mistakes[row, column]} times"
    return Picture(
        figure,
        f"Confusion matrix of {k} classes: {np.trace(counts)} of {counts.sum()} right; {told}.",
    )


def contours(
    function: Callable[[Array, Array], Array],
    paths: Mapping[str, npt.ArrayLike] | None = None,
    *,
    x_range: tuple[float, float] = (-2.0, 2.0),
    y_range: tuple[float, float] = (-2.0, 2.0),
    levels: int | Sequence[float] = 12,
    title: str = "",
) -> Picture:
    """Draw a function of two numbers as contour lines, and paths that walk on it.

    Parameters
    ----------
    function : callable
        ``f(x, y)`` of two arrays of the same shape.
    paths : mapping of str to array of shape (steps, 2), or None
        Each path by its name in the legend.
    x_range, y_range : pair of float
        What part of the plane to show.
    levels : int or sequence of float
        How many contour lines, or at which heights.
    title : str
        Above the axes.
    """
    figure, axes = _figure("x", "y", title, (5.0, 4.0))
    grid = np.meshgrid(np.linspace(*x_range, 200), np.linspace(*y_range, 200))
    heights = function(*grid)
    axes.contour(*grid, heights, levels=levels, colors=INK, linewidths=0.7, alpha=0.8)
    told = []
    for place, (name, path) in enumerate((paths or {}).items()):
        points = real_array(f"paths[{name!r}]", path)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
            raise ValueError(f"paths[{name!r}] should have the shape (steps, 2), but got {points.shape}.")
        marker = MARKERS[place % len(MARKERS)]
        axes.plot(*points.T, marker=marker, markersize=3.5, label=name, **_style(place))
        (x0, y0), (x1, y1) = points[0], points[-1]
        told.append(f"{name} walks {len(points) - 1} steps from ({x0:.3g}, {y0:.3g}) to ({x1:.3g}, {y1:.3g})")
    axes.set_xlim(*x_range)
    axes.set_ylim(*y_range)
    if told:
        _legend(axes, loc="upper left", bbox_to_anchor=(1, 1))
    return Picture(
        figure,
        f"Contour lines of a function with heights from {heights.min():.3g} to "
        f"{heights.max():.3g}{': ' if told else ''}{'; '.join(told)}.",
    )


def network_drawing(
    sizes: Sequence[int], *, silenced: Mapping[int, Sequence[int]] | None = None, title: str = ""
) -> Picture:
    """Draw a fully connected network: a column of units per layer, a line per weight.

    Parameters
    ----------
    sizes : sequence of int
        Units per layer from inputs to outputs, for example [4, 5, 3].
    silenced : mapping of int to sequence of int, or None
        For some layers, which units are crossed out and lose their lines, as dropout does.
    title : str
        Above the drawing.
    """
    sizes = [whole_number("every entry of sizes", size) for size in sizes]
    if len(sizes) < 2:
        raise ValueError(f"sizes should have at least two entries, but got {sizes}.")
    off = {(layer, unit) for layer, units in (silenced or {}).items() for unit in units}
    for layer, unit in off:
        if not (0 <= layer < len(sizes) and 0 <= unit < sizes[layer]):
            raise ValueError(f"silenced should name units of {sizes}, but got {layer}, {unit}.")
    figure, axes = _figure("", "", title, (1.6 * len(sizes) + 1, 0.55 * max(sizes) + 1.2))
    axes.set_axis_off()
    places = [[(layer, (n - 1) / 2 - unit) for unit in range(n)] for layer, n in enumerate(sizes)]
    lines = [
        (places[layer][i], places[layer + 1][j])
        for layer in range(len(sizes) - 1)
        for i in range(sizes[layer])
        for j in range(sizes[layer + 1])
        if (layer, i) not in off and (layer + 1, j) not in off
    ]
    axes.add_collection(LineCollection(lines, colors=INK, linewidths=0.8, zorder=1))
    for layer, column in enumerate(places):
        for unit, (x, y) in enumerate(column):
            out = (layer, unit) in off
            face = "none" if out else COLORS[0]
            axes.scatter(x, y, s=260, facecolor=face, edgecolor=INK, zorder=2)
            if out:
                axes.scatter(x, y, s=160, marker="x", color=COLORS[1], zorder=3)
        below = -(max(sizes) + 0.6) / 2
        axes.text(layer, below, str(sizes[layer]), color=INK, ha="center", va="center")
    for layer in range(len(sizes) - 1):
        shape = f"W {sizes[layer]}×{sizes[layer + 1]}"
        axes.text(layer + 0.5, (max(sizes) + 0.4) / 2, shape, color=INK, ha="center")
    axes.set_xlim(-0.5, len(sizes) - 0.5)
    axes.set_ylim(-(max(sizes) + 1.4) / 2, (max(sizes) + 1.6) / 2)
    alt = f"A fully connected network with layers of {', '.join(map(str, sizes))} units"
    return Picture(figure, f"{alt}; {len(off)} units are silenced." if off else f"{alt}.")


def image_grid(
    images: Array,
    captions: Sequence[str],
    *,
    shape: tuple[int, int] = (8, 8),
    columns: int = 8,
    title: str = "",
) -> Picture:
    """Draw small grey images in rows with a caption each, such as digits and their labels.

    Parameters
    ----------
    images : array of shape (n, height · width)
        One image per row, larger numbers darker.
    captions : sequence of str
        n captions.
    shape : pair of int
        (height, width).
    columns : int
        Images per row.
    title : str
        Above all.
    """
    if images.ndim != 2 or images.shape[1] != shape[0] * shape[1] or len(images) == 0:
        raise ValueError(f"images should have the shape (n, {shape[0] * shape[1]}), but got {images.shape}.")
    if len(captions) != len(images):
        raise ValueError(f"captions should be {len(images)}, but got {len(captions)}.")
    columns = min(whole_number("columns", columns), len(images))
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(0.9 * columns, 1.15 * rows + 0.3), layout="constrained")
    figure.patch.set_alpha(0)
    for place, (image, caption) in enumerate(zip(images, captions, strict=True)):
        axes = figure.add_subplot(rows, columns, place + 1)
        axes.imshow(image.reshape(shape), cmap="gray_r")
        axes.set_title(caption, color=INK, fontsize="small")
        axes.set_axis_off()
    figure.suptitle(title, color=INK)
    return Picture(figure, f"{len(images)} small grey images with captions: {', '.join(captions)}.")
