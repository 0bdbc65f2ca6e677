"""Dropout: silence random activations in training, so that no unit can rely on a single other.

`Dropout` is the one to use. The two other rules at the end are here for the chapter on
regularization, which compares them: a historic one, and a mistake that says so.

What is set to zero are activations, never weights. p is the probability of being dropped, not of
being kept.
"""

from __future__ import annotations

import numpy as np

from nncourse.arguments import Array, fraction_below_one, generator
from nncourse.layers import Layer


class Dropout(Layer):
    """Inverted dropout: in training, zero each number with probability p, divide by 1 − p.

    The division keeps the expected activation: E[mask] = (1 − p) · 1/(1 − p) = 1. In use nothing
    happens at all. Dropout is due to Hinton et al. (2012) and Srivastava et al. (2014). In the
    second paper p is the probability of being kept; it also mentions the inverted form, which
    libraries use today.

    Parameters
    ----------
    p : float
        The probability of being dropped, in [0, 1).
    rng : numpy.random.Generator
        Where the masks come from; every forward pass in training draws a new one.

    Attributes
    ----------
    mask : array
        What the last forward pass in training multiplied by: 0 or 1/(1 − p).

    Examples
    --------
    >>> import numpy as np
    >>> layer = Dropout(0.2, rng=np.random.default_rng(0))
    >>> sorted(set(layer.forward(np.ones((1, 100))).ravel().tolist()))
    [0.0, 1.25]
    >>> layer.training = False
    >>> float(layer.forward(np.ones((1, 100))).sum())
    100.0
    """

    def __init__(self, p: float, *, rng: np.random.Generator) -> None:
        super().__init__()
        self.p = fraction_below_one("p", p)
        self.rng = generator("rng", rng)

    def forward(self, inputs: Array) -> Array:
        """Return inputs · mask in training, inputs · `use_factor` in use; the same shape."""
        self._check_floats(inputs)
        self.mask: Array | float
        if self.training:
            kept = self.rng.random(inputs.shape) >= self.p
            self.mask = kept * inputs.dtype.type(self.training_factor())
        else:
            self.mask = self.use_factor()
        self.outputs = inputs * self.mask
        return self.outputs

    def backward(self, grad: Array) -> Array:
        """Return grad · mask, with the very mask of the forward pass."""
        self._check_grad(grad)
        return grad * self.mask

    def training_factor(self) -> float:
        """Return what a number that is kept is multiplied by in training: 1/(1 − p)."""
        return 1 / (1 - self.p)

    def use_factor(self) -> float:
        """Return what every number is multiplied by in use: 1."""
        return 1.0


class DropoutScaledInUse(Dropout):
    """HISTORIC: mask in training, times 1 − p in use.

    Srivastava et al. (2014) fold the factor into the outgoing weights, once; here it multiplies the
    activations, which gives the next layer the same sums. Right, and out of use, because a network
    in use has to know how it was trained. With p = 0.2, 100 units of 1 give 80 on average in
    training and 100 · 0.8 = 80 in use. Parameters as in `Dropout`.
    """

    def training_factor(self) -> float:
        """Return 1."""
        return 1.0

    def use_factor(self) -> float:
        """Return the probability of being kept, 1 − p."""
        return 1 - self.p


class DropoutScaledByP(DropoutScaledInUse):
    """WRONG: the source note's rule, mask in training, times p in use.

    In the paper p is the probability of being kept, and there times p is right. p = 0.5 hides the
    mistake, since then p = 1 − p. With p = 0.2, 100 units of 1 give 80 on average in training and
    100 · 0.2 = 20 in use. Parameters as in `Dropout`.

    Examples
    --------
    >>> import numpy as np
    >>> layer = DropoutScaledByP(0.2, rng=np.random.default_rng(0))
    >>> layer.training = False
    >>> round(float(layer.forward(np.ones((1, 100))).sum()), 6)
    20.0
    """

    def use_factor(self) -> float:
        """Return the probability of being dropped, which is the mistake."""
        return self.p
