"""A notebook run in the judge's own process, for a learner who looks at their own work.

No sandbox, no limits, and nothing that keeps the code from faking its marks: every result says so.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import Any
from unittest.mock import patch

from nncourse.exercises.checking import Notebook, Submission
from nncourse.grading.answers import notes
from nncourse.grading.notebooks import Cell
from nncourse.grading.worker import run_cells, stand_ins


class InProcess:
    """What `nncourse.grading.answers.Session` is, without the sandbox."""

    def __init__(self, cells: list[Cell], asked: Collection[str]) -> None:
        self.notes: list[str] = []
        self._request = {"cells": [vars(cell) for cell in cells], "asked": asked}
        self._names: dict[str, Any] = {"__name__": "__main__"}

    def start(self) -> None:
        """Run the cells."""
        given, modules = stand_ins()
        self._names.update(given)
        with patch.dict(sys.modules, modules):
            said = run_cells(self._request, self._names, lambda number: None)
        self.notes += notes(said)

    def begin_check(self) -> None:
        """Nothing to prepare."""

    def answers(self) -> Submission:
        """Return what checks may ask."""
        return Notebook(self._names)

    def close(self) -> None:
        """Nothing to end."""
