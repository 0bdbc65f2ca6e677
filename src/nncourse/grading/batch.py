"""Marks a whole pile of submissions and leaves a gradebook, whenever it is stopped and started again.

Only what is new or changed is marked: a submission is done when the gradebook holds its content, marked
with the same checks, limits and judge.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Protocol

from tqdm import tqdm  # type: ignore[import-untyped]

from nncourse.grading.gradebook import Gradebook
from nncourse.grading.handed_in import HandedIn
from nncourse.grading.judge import Result, grade
from nncourse.grading.notebooks import NotANotebook
from nncourse.grading.papers import Recipe, make_paper
from nncourse.grading.sandbox import Limits, SandboxError, take_slot

MOST_FAULTS = 10  # of the judge, one after the other, before a run is given up
IN_FLIGHT = 4  # submissions for each worker that wait or run


@dataclass(frozen=True)
class Task:
    """One submission and all that it takes to mark it, here or on another machine."""

    learner: str
    exercise: str
    file: str
    data: bytes | str  # the notebook, or the line that says why there is none
    content: str
    marked_with: str
    recipe: Recipe
    limits: Limits
    unsafe: bool


def run_task(task: Task) -> Result:
    """Mark one submission; a fault of the judge becomes a result that is tried again next time."""
    paper = make_paper(task.recipe)
    if isinstance(task.data, str):
        return Result("unreadable", paper.nothing(), (task.data,), unsafe=task.unsafe)
    try:
        if task.unsafe:
            return grade(task.data, paper, task.limits, None)
        with take_slot() as slot:
            return grade(task.data, paper, task.limits, slot)
    except Exception as error:
        return fault(task, error)


def fault(task: Task, error: BaseException) -> Result:
    """Return a result for a submission that the judge failed to mark."""
    line = f"The judge failed ({type(error).__name__}: {error}). This is not the learner's fault."
    return Result("judge-error", make_paper(task.recipe).nothing(), (line,), unsafe=task.unsafe)


class Workers(Protocol):
    """Where submissions are marked: threads of this process, or a cluster."""

    def size(self) -> int:
        """Return how many are marked at the same time."""

    def submit(self, task: Task) -> Future[Result]:
        """Start on a submission."""


class Threads:
    """Threads of this process. Each waits for its own sandbox, so they use as many processors."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._pool = ThreadPoolExecutor(jobs)

    def __enter__(self) -> Threads:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def size(self) -> int:
        """Return how many submissions are marked at the same time."""
        return self._jobs

    def submit(self, task: Task) -> Future[Result]:
        """Start on a submission."""
        return self._pool.submit(run_task, task)


@dataclass
class Summary:
    """What a run did."""

    marked: int = 0
    kept: int = 0
    seconds: float = 0.0
    statuses: Counter[str] = field(default_factory=Counter)
    learners: set[str] = field(default_factory=set)  # whose marks were made anew


def run(
    pile: Iterable[HandedIn],
    recipes: Mapping[str, Recipe],
    book: Gradebook,
    workers: Workers,
    limits: Limits,
    *,
    unsafe: bool = False,
    regrade: bool = False,
    progress: bool = True,
) -> Summary:
    """Mark what the gradebook does not hold yet, and write each result down at once.

    Memory does not grow with the number of submissions: few are in flight, and a result goes into the
    gradebook as soon as it is there.

    Raises
    ------
    SandboxError
        If the judge fails again and again, as it does where no sandbox can be made.
    """
    begun = time.monotonic()
    summary = Summary()
    notebooks = list(pile)
    tasks = _tasks(notebooks, recipes, {} if regrade else book.marked(), limits, unsafe)
    running: dict[Future[Result], Task] = {}
    faults = 0
    with tqdm(total=len(notebooks), unit="sub", disable=None if progress else True, smoothing=0.05) as bar:

        def take_finished() -> None:
            nonlocal faults
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                task = running.pop(future)
                result = _result(future, task)
                book.record(task.learner, task.exercise, task.file, task.content, task.marked_with, result)
                summary.marked += 1
                summary.statuses[result.status] += 1
                summary.learners.add(task.learner)
                bar.update()
                faults = faults + 1 if result.status == "judge-error" else 0
                if faults >= MOST_FAULTS:
                    raise SandboxError(f"{faults} submissions in a row: {result.notes[0]}")

        for task in tasks:
            if task is None:
                summary.kept += 1
                bar.update()
                continue
            running[workers.submit(task)] = task
            while len(running) >= IN_FLIGHT * workers.size():
                take_finished()
        while running:
            take_finished()
    summary.seconds = time.monotonic() - begun
    return summary


def _result(future: Future[Result], task: Task) -> Result:
    """Return what came of a task; one that a cluster gave up on is tried again next time."""
    try:
        return future.result()
    except Exception as error:
        return fault(task, error)


def _tasks(
    notebooks: list[HandedIn],
    recipes: Mapping[str, Recipe],
    marked: Mapping[tuple[str, str], tuple[str, str]],
    limits: Limits,
    unsafe: bool,
) -> Iterator[Task | None]:
    """Read the notebooks one by one; None stands for one that was marked before and has not changed."""
    fingerprints = {name: recipe.fingerprint(limits, unsafe) for name, recipe in recipes.items()}
    for notebook in notebooks:
        data: bytes | str
        try:
            data = notebook.read()
            content = hashlib.sha256(data).hexdigest()
        except NotANotebook as error:
            data = str(error)
            content = f"unreadable: {error}"
        using = fingerprints[notebook.exercise]
        if marked.get((notebook.learner, notebook.exercise)) == (content, using):
            yield None
            continue
        yield Task(
            notebook.learner,
            notebook.exercise,
            notebook.file,
            data,
            content,
            using,
            recipes[notebook.exercise],
            limits,
            unsafe,
        )
