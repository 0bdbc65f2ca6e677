"""Explorables: figures that the reader moves, in a notebook and in the built page.

Write a figure as controls, panels and pure functions from control values to marks. See
`Explorable`; the figures of the book are in `nncourse.explorables`.
"""

from .controls import Choice, Control, ControlError, Slider, Stepper, Toggle, Value
from .explorable import MIME, Explorable, in_page
from .recording import ExplorableError, Part, Recording
from .scene import (
    Area,
    Arrows,
    Axis,
    Bars,
    Color,
    Column,
    HeatMap,
    Line,
    Mark,
    Panel,
    Plot,
    Points,
    Say,
    Segments,
    Sentence,
    Table,
    Text,
    View,
    contours,
    network,
    number,
)

__all__ = [
    "MIME",
    "Area",
    "Arrows",
    "Axis",
    "Bars",
    "Choice",
    "Color",
    "Column",
    "Control",
    "ControlError",
    "Explorable",
    "ExplorableError",
    "HeatMap",
    "Line",
    "Mark",
    "Panel",
    "Part",
    "Plot",
    "Points",
    "Recording",
    "Say",
    "Segments",
    "Sentence",
    "Slider",
    "Stepper",
    "Table",
    "Text",
    "Toggle",
    "Value",
    "View",
    "contours",
    "in_page",
    "network",
    "number",
]
