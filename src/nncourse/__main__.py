"""The command `nncourse`: give exercises out, and mark what comes back.

nncourse release --out exercises.zip
nncourse grade submissions/ --out marks/
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from nncourse.exercises import catalogue
from nncourse.grading import groups, lms
from nncourse.grading.batch import Summary, Threads, Workers, run
from nncourse.grading.cluster import Cluster, ClusterError
from nncourse.grading.feedback import write_feedback
from nncourse.grading.gradebook import Gradebook, GradebookError
from nncourse.grading.handed_in import SubmissionsError, collect
from nncourse.grading.papers import PaperError, checks_of_the_repository, read_recipe
from nncourse.grading.release import ReleaseError, release
from nncourse.grading.report import write_report
from nncourse.grading.sandbox import Limits, SandboxError, bubblewrap, check_hidden
from nncourse.grading.words import UNSAFE

MANY = 20  # lines about files left aside that are printed

MOST = 1_000_000  # of whatever a number on the command line counts

DEFAULT = Limits()


class UsageError(Exception):
    """The command cannot do what it is asked; the message says what to change."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (
        *(UsageError, ClusterError, GradebookError, PaperError, ReleaseError, SandboxError),
        *(SubmissionsError, LookupError, sqlite3.Error),
    ) as error:
        print(f"nncourse {options.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped. What was marked is kept; the same command goes on from here.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nncourse", description="Give exercises out, and mark them.")
    commands = parser.add_subparsers(dest="command", required=True)

    grade = commands.add_parser("grade", help="mark submissions", description=_grade.__doc__)
    grade.set_defaults(run=_grade)
    grade.add_argument("submissions", nargs="+", type=Path, help="folder, zip file or notebook")
    grade.add_argument("--out", required=True, type=Path, help="folder for gradebook and feedback")
    grade.add_argument("--checks", type=Path, help="folder of hidden checks (default: the repository's)")
    grade.add_argument(
        "--jobs", type=_count, default=_processors(), help="at the same time (default: %(default)s)"
    )
    grade.add_argument("--regrade", action="store_true", help="mark everything again, changed or not")
    grade.add_argument("--scheduler", metavar="ADDRESS", help="Dask scheduler to mark on: tcp://host:8786")
    grade.add_argument("--gradescope", action="store_true", help="write a results.json for each submission")
    grade.add_argument("--quiet", action="store_true", help="no progress bar")
    grade.add_argument(
        "--unsafe-in-process",
        action="store_true",
        help="no sandbox: for your own work on your own machine only; every result says so",
    )
    limits = grade.add_argument_group("limits of one submission")
    for name in ("cell", "check", "total"):
        limits.add_argument(
            f"--{name}-seconds",
            dest=name,
            type=_seconds,
            default=getattr(DEFAULT, name),
            help="default: %(default)g",
        )
    limits.add_argument(
        "--memory-mb",
        type=_count,
        default=DEFAULT.memory >> 20,
        help="of all its processes (default: %(default)s)",
    )

    give = commands.add_parser("release", help="give exercises out", description=_release.__doc__)
    give.set_defaults(run=_release)
    give.add_argument("exercises", nargs="*", help="ex01 ex02 … (default: all)")
    give.add_argument("--out", required=True, type=Path, help="a new folder, or a file that ends in .zip")
    give.add_argument("--source", type=Path, help="folder of the notebooks (default: the repository's)")
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= MOST:  # nor NaN
        raise argparse.ArgumentTypeError(f"more than 0 and at most {MOST} is wanted, not {text}")
    return value


def _count(text: str) -> int:
    value = int(text)
    if not 0 < value <= MOST:
        raise argparse.ArgumentTypeError(f"1 to {MOST} is wanted, not {text}")
    return value


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _release(options: argparse.Namespace) -> int:
    """Write the learners' notebooks to a folder or a zip file."""
    checks = checks_of_the_repository()
    source = options.source or (checks and checks.parent)
    if source is None:
        raise UsageError("the notebooks are in the course's repository: run this there, or name --source.")
    files = release(options.exercises or catalogue.names(), source, options.out)
    print(f"{options.out}: {', '.join(files)}")
    return 0


def _grade(options: argparse.Namespace) -> int:
    """Mark notebooks with visible and hidden checks, and write gradebook, feedback and report.

    A run that was stopped goes on where it was, and only what changed is marked again.
    """
    checks = options.checks or checks_of_the_repository()
    if checks is None:
        raise UsageError("the hidden checks are in the course's repository: name their folder with --checks.")
    limits = replace(
        DEFAULT, cell=options.cell, check=options.check, total=options.total, memory=options.memory_mb << 20
    )
    unsafe = options.unsafe_in_process
    if unsafe and options.scheduler:
        raise UsageError("--unsafe-in-process is for this machine: leave --scheduler out.")
    options.out.mkdir(parents=True, exist_ok=True)
    pile = collect(options.submissions)
    if not pile.notebooks:
        raise UsageError("no notebook found: they are named like ada/ex05_gradient_descent.ipynb.")
    if unsafe:
        print(UNSAFE, file=sys.stderr)
    elif not options.scheduler:
        groups.home()  # now, while this process is alone
        bubblewrap()
        check_hidden([checks, options.out, *options.submissions])
    names = sorted({exercise for _, exercise in pile.notebooks})
    recipes = {name: read_recipe(name, checks) for name in names}
    with ExitStack() as stack:
        stack.enter_context(_alone_in(options.out))
        book = stack.enter_context(Gradebook(options.out / "gradebook.sqlite"))
        workers: Workers
        if options.scheduler:
            workers = stack.enter_context(Cluster(options.scheduler))
        else:
            workers = stack.enter_context(Threads(1 if unsafe else options.jobs))
        summary = run(
            pile.notebooks.values(),
            recipes,
            book,
            workers,
            limits,
            unsafe=unsafe,
            regrade=options.regrade,
            progress=not options.quiet,
        )
        _write(book, options.out, summary, options.gradescope)
    _tell(summary, pile.aside, options.out)
    return 1 if summary.statuses["judge-error"] else 0


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep a second judge out of the same results."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with open(folder / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"another run is writing to {folder}.") from None
        yield


def _write(book: Gradebook, out: Path, summary: Summary, gradescope: bool) -> None:
    """Make all tables and pages from the gradebook."""
    book.write_csv(out / "gradebook.csv")
    lms.write_canvas(book, out / "canvas.csv")
    lms.write_moodle(book, out / "moodle.csv")
    write_feedback(book, out / "feedback", summary.learners)
    write_report(book, out / "report.html")
    if gradescope:
        lms.write_gradescope(book, out / "gradescope")


def _tell(summary: Summary, aside: list[str], out: Path) -> None:
    """Print what was done and what was left aside."""
    for line in aside[:MANY]:
        # A name that a learner chose may hold commands for the terminal, or what no terminal can show.
        print(f"left aside: {''.join(c if c.isprintable() else '?' for c in line)}")
    if len(aside) > MANY:
        print(f"left aside: {len(aside) - MANY} more")
    rate = 60 * summary.marked / summary.seconds if summary.seconds else 0.0
    counted = (
        ", ".join(f"{count} {status}" for status, count in summary.statuses.most_common()) or "nothing new"
    )
    print(f"{summary.marked} marked ({counted}), {summary.kept} unchanged, {rate:.0f} a minute: {out}")


if __name__ == "__main__":
    sys.exit(main())
