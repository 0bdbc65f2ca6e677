"""The book's explorables, one module for each chapter.

Every public function in a chapter's module makes one figure. `every_figure` lists them all for the
tests.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator

from nncourse.explore import Explorable


def every_figure() -> Iterator[Callable[[], Explorable]]:
    """Yield the function that makes each figure of the book."""
    for module in pkgutil.iter_modules(__path__):
        chapter = importlib.import_module(f"{__name__}.{module.name}")
        for name in chapter.__all__:
            yield getattr(chapter, name)
