"""The package as a whole: examples that run, light imports, dependencies in one direction."""

from __future__ import annotations

import ast
import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import nncourse

SOURCE = Path(nncourse.__file__).parent
# In the order in which they may import each other: each only from those before it.
CORE = [
    *("arguments", "activations", "information", "initializers", "neurons", "schedules"),
    *("layers", "dropout", "normalization", "losses", "network", "optimizers", "descent"),
    *("regularizers", "metrics", "data", "training", "gradient_check", "autodiff"),
]
ALLOWED_OUTSIDE = {"numpy"}


def imports_of(module: str) -> set[str]:
    """Return what a module imports at its top, "nncourse.x" for its neighbours."""
    found: set[str] = set()
    for node in ast.parse((SOURCE / f"{module}.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "nncourse":
                found |= {f"nncourse.{alias.name}" for alias in node.names}
            else:
                found.add(node.module)
    return found


@pytest.mark.parametrize("module", CORE)
def test_imports_point_in_one_direction_and_to_numpy_only(module):
    for name in imports_of(module):
        top, _, rest = name.partition(".")
        if top == "nncourse":
            assert rest in CORE[: CORE.index(module)], f"{module} imports {rest}"
        else:
            assert top in ALLOWED_OUTSIDE | set(sys.stdlib_module_names), f"{module}: {name}"


@pytest.mark.parametrize("module", [*CORE, "pictures"])
def test_every_example_in_a_docstring_runs(module):
    result = doctest.testmod(importlib.import_module(f"nncourse.{module}"))
    assert result.failed == 0


def test_the_program_on_the_first_page_of_the_reference_runs(capsys):
    page = Path(__file__).parents[2] / "reference" / "index.md"
    program = page.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    exec(compile(program, page.name, "exec"), {})
    assert float(capsys.readouterr().out) > 0.95


def test_the_reference_shows_every_module():
    pages = (Path(__file__).parents[2] / "reference").glob("*.md")
    shown = "".join(page.read_text(encoding="utf-8") for page in pages)
    for module in [*CORE, "pictures"]:
        assert shown.count(f".. automodule:: nncourse.{module}\n") == 1


@pytest.mark.parametrize("module", [*CORE, "pictures"])
def test_every_module_opens_with_what_it_is(module):
    docstring = importlib.import_module(f"nncourse.{module}").__doc__
    assert docstring and len(docstring) > 80


def test_the_core_imports_neither_matplotlib_nor_widgets_nor_tqdm():
    code = (
        f"import sys, {', '.join(f'nncourse.{module}' for module in CORE)}\n"
        "heavy = {'matplotlib', 'ipywidgets', 'anywidget', 'tqdm', 'sklearn', 'torch', 'pandas'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_the_core_is_quick():
    code = (
        "import numpy, numpy.random, time; start = time.process_time(); "
        f"import {', '.join(f'nncourse.{module}' for module in CORE)}; "
        "print(time.process_time() - start)"
    )  # processor time, so that a busy machine does not fail the test
    times = [float(subprocess.check_output([sys.executable, "-c", code], text=True)) for _ in range(5)]
    assert min(times) <= 0.15
