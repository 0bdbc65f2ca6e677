"""The same batch on a Dask `distributed` cluster, for more machines than one.

Workers need nncourse and bubblewrap, and nothing else: notebooks and checks travel with each task. A
task whose worker dies is given to another one. `distributed` is an extra: pip install '.[cluster]'.
"""

from __future__ import annotations

import concurrent.futures
import time
from threading import Thread
from typing import Any

from nncourse.grading.batch import Task, run_task
from nncourse.grading.judge import Result

ASK_EVERY = 1.0  # seconds between two questions to the scheduler how many workers there are
RETRIES = 2  # how often a task that ends in an error is tried elsewhere; lost workers do not count


class ClusterError(Exception):
    """The cluster cannot be used; the message says why."""


class Cluster:
    """A Dask scheduler, by its address; a context that hangs up."""

    def __init__(self, address: str, wait_seconds: float = 10.0) -> None:
        try:
            import distributed
        except ImportError:
            raise ClusterError("--scheduler needs Dask: in a clone, pip install '.[cluster]'") from None
        try:
            self._client: Any = distributed.Client(address, timeout=wait_seconds, set_as_default=False)
            self._client.wait_for_workers(1, timeout=wait_seconds)
        except (OSError, TimeoutError) as error:
            raise ClusterError(f"no scheduler with workers at {address}: {error}") from None
        self._size, self._asked = 0, -ASK_EVERY

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def size(self) -> int:
        """Return how many submissions are marked at the same time, on all workers that have come."""
        if time.monotonic() - self._asked >= ASK_EVERY:
            self._size = max(1, sum(int(threads) for threads in self._client.nthreads().values()))
            self._asked = time.monotonic()
        return self._size

    def submit(self, task: Task) -> concurrent.futures.Future[Result]:
        """Send a submission to a worker."""
        remote = self._client.submit(run_task, task, pure=False, retries=RETRIES)
        local: concurrent.futures.Future[Result] = concurrent.futures.Future()

        def finished(future: Any) -> None:
            # Dask calls from its own loop, in which a result cannot be waited for.
            Thread(target=_pass_on, args=(future, local), daemon=True).start()

        remote.add_done_callback(finished)
        return local


def _pass_on(remote: Any, local: concurrent.futures.Future[Result]) -> None:
    try:
        local.set_result(remote.result())
    except Exception as error:
        local.set_exception(error)
    finally:
        remote.release()
