"""The kernel's own limit on all memory of a sandbox, where the judge has a control group to itself.

That is so under `systemd-run --scope --property=Delegate=yes nncourse grade …` (with `--user` for an
ordinary user), on systems with cgroup v2. Elsewhere the judge looks at the memory ten times a second.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from functools import cache
from pathlib import Path

FILES = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
_numbers = itertools.count()


@cache
def home() -> Path | None:
    """Return the judge's control group, ready to hold one for each sandbox, or None if it has none.

    A group that limits its children may hold no process itself, so the judge moves into a child. It
    leaves a group alone in which others live, such as the session of a shell.
    """
    try:
        lines = MEMBERSHIP.read_text().splitlines()
        place = next(line.removeprefix("0::/") for line in lines if line.startswith("0::/"))
        group = FILES / place
        alone = (group / "cgroup.procs").read_text().split() == [str(os.getpid())]
        if not alone or "memory" not in (group / "cgroup.controllers").read_text().split():
            return None
        (group / "judge").mkdir()
        (group / "judge" / "cgroup.procs").write_text(str(os.getpid()))
        (group / "cgroup.subtree_control").write_text("+memory +pids")
    except (OSError, StopIteration):
        return None
    return group


def enclose(process: int, memory: int, processes: int) -> Path | None:
    """Put a process, and so all that it will start, into a group with limits; return the group."""
    parent = home()
    if parent is None:
        return None
    group = parent / f"sandbox-{next(_numbers)}"
    group.mkdir()
    (group / "memory.max").write_text(str(memory))
    (group / "memory.swap.max").write_text("0")
    (group / "memory.oom.group").write_text("1")
    (group / "pids.max").write_text(str(processes))
    (group / "cgroup.procs").write_text(str(process))
    return group


def remove(group: Path) -> None:
    """Remove a group whose processes have been killed; the kernel may need a moment for the last one."""
    for _ in range(100):
        with contextlib.suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.01)
