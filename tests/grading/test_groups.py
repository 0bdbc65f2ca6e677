"""Control groups, in files that stand for the kernel's: this machine need not have any."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nncourse.grading import groups


@pytest.fixture
def scope(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The group of a judge that systemd-run started."""
    scope = tmp_path / "user.slice" / "run-1.scope"
    scope.mkdir(parents=True)
    (scope / "cgroup.procs").write_text(f"{os.getpid()}\n")
    (scope / "cgroup.controllers").write_text("cpu memory pids\n")
    (tmp_path / "membership").write_text("1:name=systemd:/\n0::/user.slice/run-1.scope\n")
    monkeypatch.setattr(groups, "FILES", tmp_path)
    monkeypatch.setattr(groups, "MEMBERSHIP", tmp_path / "membership")
    groups.home.cache_clear()
    yield scope
    groups.home.cache_clear()


def test_a_judge_with_a_group_to_itself_limits_each_sandbox(scope: Path) -> None:
    group = groups.enclose(4321, 256 << 20, 16)
    assert group is not None and group.parent == scope
    assert (scope / "judge" / "cgroup.procs").read_text() == str(os.getpid())
    assert (scope / "cgroup.subtree_control").read_text() == "+memory +pids"
    assert {path.name: path.read_text() for path in group.iterdir()} == {
        "memory.max": str(256 << 20),
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "pids.max": "16",
        "cgroup.procs": "4321",
    }
    assert groups.enclose(4322, 1, 1) != group


def test_a_group_in_which_others_live_is_left_alone(scope: Path) -> None:
    (scope / "cgroup.procs").write_text(f"1234\n{os.getpid()}\n")
    before = sorted(scope.rglob("*"))
    assert groups.enclose(4321, 1, 1) is None
    assert sorted(scope.rglob("*")) == before


@pytest.mark.parametrize("missing", ["cgroup.controllers", "cgroup.procs"])
def test_without_control_groups_there_is_no_group_and_no_error(scope: Path, missing: str) -> None:
    (scope / missing).unlink()
    assert groups.home() is None


def test_without_the_memory_controller_there_is_no_group(scope: Path) -> None:
    (scope / "cgroup.controllers").write_text("cpu pids\n")
    assert groups.home() is None


def test_an_empty_group_is_removed(tmp_path: Path) -> None:
    (tmp_path / "group").mkdir()
    groups.remove(tmp_path / "group")
    assert not (tmp_path / "group").exists()
