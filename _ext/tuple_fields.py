"""Leaves the fields of named tuples to the docstring of their class.

Without this the reference says of each "Alias for field number 0", which is all that Python knows.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx


def skip_field(app: Sphinx, what: str, name: str, member: object, skip: bool, options: object) -> bool | None:
    """Skip a member whose documentation Python wrote itself; None leaves the decision to others."""
    return True if (getattr(member, "__doc__", None) or "").startswith("Alias for field number") else None


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("autodoc-skip-member", skip_field)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
