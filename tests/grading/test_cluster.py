"""The batch on a Dask cluster: a scheduler and two workers on this machine, one of which is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from handed import done, hand_in_many, rows, times_marked

DASK = Path(sys.executable).with_name("dask")
LEARNERS = 24


class LocalCluster:
    """Processes as one starts them by hand."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "scheduler.json"
        self.processes = [self._start("scheduler", "--host", "127.0.0.1", "--port", "0")]
        for _ in range(200):
            if self._file.exists() and self._file.read_text():
                break
            time.sleep(0.1)
        self.address = json.loads(self._file.read_text())["address"]
        self.workers = [self._start("worker", "--nthreads", "1", "--no-nanny") for _ in range(2)]

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        options = ["--scheduler-file", self._file, "--no-dashboard"]
        with open(self._folder / "dask.log", "ab") as log:
            return subprocess.Popen([DASK, *command, *options], stdout=log, stderr=log, cwd=self._folder)

    def close(self) -> None:
        """End every process that was started."""
        for process in (*self.workers, *self.processes):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LocalCluster]:
    found = LocalCluster(tmp_path)
    yield found
    found.close()


def test_a_worker_that_is_killed_midway_costs_no_result(cluster: LocalCluster, tmp_path: Path) -> None:
    hand_in_many(tmp_path / "class", LEARNERS)
    command = [
        *(sys.executable, "-m", "nncourse", "grade", tmp_path / "class", "--out", tmp_path / "out"),
        *("--scheduler", cluster.address, "--quiet"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and done(tmp_path) < LEARNERS // 4:
        time.sleep(0.02)
    cluster.workers[0].send_signal(signal.SIGKILL)
    before = done(tmp_path)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert before < LEARNERS, "the worker was killed midway"
    assert f"{LEARNERS} marked ({LEARNERS} graded)" in out
    assert times_marked(tmp_path) == {f"learner{i:02}": 1 for i in range(LEARNERS)}
    assert rows(tmp_path, "SELECT DISTINCT points FROM submission") == [(100,)]


def test_no_scheduler_is_one_sentence(tmp_path: Path) -> None:
    hand_in_many(tmp_path / "class", 1)
    command = [
        *(sys.executable, "-m", "nncourse", "grade", tmp_path / "class", "--out", tmp_path / "out"),
        *("--scheduler", "tcp://127.0.0.1:1"),
    ]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 2
    assert "no scheduler with workers at tcp://127.0.0.1:1" in process.stderr.splitlines()[-1]
