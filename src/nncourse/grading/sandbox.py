"""A process for one learner's code, out of which only messages come: bubblewrap, limits, a deadline.

What is inside sees a read-only system and its own /tmp, no network, no other process, no checks and no
other submission. The judge never waits longer than a deadline, and ends everything inside by ending
one process, because the rest lives in its process namespace.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from nncourse.grading import groups
from nncourse.grading.syscalls import seccomp_filter
from nncourse.grading.values import Message, NotData, pack, unpack
from nncourse.grading.worker import GREETING

OLDEST = (0, 8)
HELP = (
    "The judge runs learners' code in bubblewrap, and {}. On Debian and Ubuntu: apt-get install "
    "bubblewrap (0.8 or newer: Debian 12, Ubuntu 24.04). To look at your own work on your own machine, "
    "--unsafe-in-process does without; never use it on the code of others."
)
SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives")
FIRST_UID = 52000  # slots take their users from here, as root
START_SECONDS = 20.0
LOOK_EVERY = 0.1  # seconds between two looks at the memory


class SandboxError(Exception):
    """The sandbox itself does not work here; the message says what to do. Never a learner's fault."""


class Lost(BaseException):
    """The sandbox is gone, and so is all that the learner's code had set up in it.

    Not an `Exception`, so that no check can catch it. ``kind`` is "time", "memory", "output", "data" or
    "ended"; the message finishes the sentence "the code …".
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Seconds are of the clock, sizes are in bytes.

    Attributes
    ----------
    cell, check, total : float
        Seconds for one cell, for one check, and for the whole submission.
    memory : int
        Memory of all its processes together; one alone may not even ask for more.
    disk : int
        Its private /tmp.
    output : int
        What it may print.
    result : int
        One result of a function.
    processes, files : int
        How many of each at a time.
    """

    cell: float = 10.0
    check: float = 5.0
    total: float = 60.0
    memory: int = 1 << 30
    disk: int = 64 << 20
    output: int = 1 << 20
    result: int = 16 << 20
    processes: int = 64
    files: int = 256

    def of_process(self) -> dict[str, int]:
        """Return the limits that the kernel keeps for each process (RLIMIT_…)."""
        return {
            "AS": self.memory,
            "CORE": 0,
            "CPU": math.ceil(self.total),
            "FSIZE": self.disk,
            "MEMLOCK": 0,
            "MSGQUEUE": 0,
            "NOFILE": self.files,
            "NPROC": self.processes,
        }


@cache
def bubblewrap() -> str:
    """Return the path of a bubblewrap that is new enough and works here.

    Raises
    ------
    SandboxError
        If there is none; the message says what to install.
    """
    path = shutil.which("bwrap")
    if path is None:
        raise SandboxError(HELP.format("it is not installed"))
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    version = tuple(int(part) for part in re.findall(r"\d+", said)[:2])
    if version < OLDEST:
        raise SandboxError(HELP.format(f"{path} is too old ({said.strip()})"))
    trial = subprocess.run(
        [path, *_namespaces(), "--ro-bind", "/", "/", "--", "/bin/true"],
        capture_output=True,
        text=True,
        check=False,
    )
    if trial.returncode:
        raise SandboxError(
            f"bubblewrap cannot make a sandbox here: {trial.stderr.strip()} Where a system keeps user "
            "namespaces from ordinary users (a container; Ubuntu 24.04 without an AppArmor profile for "
            "bwrap), run the judge as root or allow them."
        )
    return path


def _is_root() -> bool:
    return os.geteuid() == 0


def _namespaces() -> list[str]:
    """Everything unshared. Root needs no user namespace, and the worker gives up being root itself."""
    rights = ["--cap-drop", "ALL"]
    if _is_root():
        rights += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        rights += ["--unshare-user", "--disable-userns"]
    unshared = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    return [*rights, *unshared, "--die-with-parent", "--new-session"]


@cache
def _visible() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which folders the sandbox sees, and where its Python looks for modules."""
    package = Path(__file__).resolve().parents[1]
    installed = [os.path.realpath(path) for path in sys.path if _holds_modules(path)]
    wanted = [os.path.realpath(sys.prefix), os.path.realpath(sys.base_prefix), *installed, str(package)]
    folders = list(SYSTEM)
    for path in wanted:
        if not any(Path(path).is_relative_to(folder) for folder in folders):
            folders.append(path)
    return tuple(folders), tuple(dict.fromkeys([*installed, str(package.parent)]))


def _holds_modules(path: str) -> bool:
    """Whether this part of sys.path is the standard library or a place for installed packages."""
    names = ("site-packages", "dist-packages", "lib-dynload")
    return Path(path).name in names or Path(path).resolve() == Path(os.__file__).resolve().parent


def check_hidden(paths: Iterable[Path]) -> None:
    """Make sure that the sandbox does not see these folders.

    Raises
    ------
    SandboxError
        If one of them is in a folder that every sandbox sees.
    """
    for path in paths:
        for folder in _visible()[0]:
            if path.resolve().is_relative_to(folder):
                raise SandboxError(f"{path} lies in {folder}, which learners' code can read: move it.")


@dataclass(frozen=True)
class Slot:
    """A place for one sandbox at a time, with a user of its own where the judge is root."""

    user: int | None


@contextlib.contextmanager
def take_slot() -> Iterator[Slot]:
    """Hold a slot that no other judge on this machine holds; the kernel frees it even after a crash.

    An ordinary user cannot become another one, so there all sandboxes run as that user, and what keeps
    them apart is their namespaces.
    """
    if not _is_root():
        yield Slot(None)
        return
    import fcntl  # on Unix only

    folder = Path("/run/nncourse")
    folder.mkdir(mode=0o700, exist_ok=True)
    for user in range(FIRST_UID, FIRST_UID + 1000):
        if _is_taken(user):
            continue
        with open(folder / f"{user}.lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield Slot(user)
            return
    raise SandboxError("a thousand sandboxes run on this machine already.")


@cache
def _is_taken(user: int) -> bool:
    """Whether somebody has an account with this number."""
    import pwd  # on Unix only

    try:
        return bool(pwd.getpwuid(user))
    except KeyError:
        return False


class Sandbox:
    """A worker in bubblewrap, which has greeted and waits for cells.

    Raises
    ------
    SandboxError
        If it does not start; nothing of the learner has run then.
    """

    def __init__(self, limits: Limits, slot: Slot) -> None:
        self._limits = limits
        self._printed = 0
        self._first_words = b""
        self._next_look = 0.0
        self._group: Path | None = None
        with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
            reads, self._requests = _pipe(theirs, ours)
            self._replies, writes = _pipe(ours, theirs)
            filter_file = _filter_file(theirs)
            self._process = subprocess.Popen(
                _command(limits, slot, reads, writes, filter_file),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[reads, writes, *([filter_file] if filter_file is not None else [])],
                start_new_session=True,
            )
            ours.pop_all()  # from here on `close` closes them
        assert self._process.stdout is not None
        self._output = self._process.stdout.fileno()
        # An ordinary user's sandbox can open the judge's end of a pipe in /proc/self/fd, and be faster
        # with what `poll` has promised.
        for end in (self._requests, self._replies, self._output):
            os.set_blocking(end, False)
        try:
            self._expect_greeting()
            # The worker is the last in the chain; nothing of the learner has run yet.
            self._group = groups.enclose(self._processes()[-1], limits.memory, limits.processes)
        except BaseException:
            self.close()
            raise

    def _expect_greeting(self) -> None:
        try:
            greeting, _ = self.receive(time.monotonic() + START_SECONDS)
        except Lost as lost:
            said = self._first_words.decode(errors="replace").strip()
            raise SandboxError(f"the sandbox did not start: it {lost}. {said[-500:]}") from None
        if greeting != {"greeting": GREETING}:
            raise SandboxError(f"the sandbox greeted with {greeting}.")

    def send(self, header: dict[str, Any], arrays: Sequence[np.ndarray], deadline: float) -> None:
        """Send a message; what is printed meanwhile is thrown away."""
        rest = memoryview(pack(header, arrays))
        while rest:
            if self._wait(deadline, writing=True):
                try:
                    rest = rest[os.write(self._requests, rest) :]
                except BlockingIOError:
                    continue
                except BrokenPipeError:
                    self._ended()

    def receive(self, deadline: float) -> Message:
        """Wait for the next message.

        Raises
        ------
        Lost
            If none comes in time, or what comes is not one.
        """

        def read(size: int) -> bytes:
            data = bytearray()
            while len(data) < size:
                if self._wait(deadline):
                    try:
                        more = os.read(self._replies, min(1 << 20, size - len(data)))
                    except BlockingIOError:
                        continue
                    if not more:
                        self._ended()
                    data += more
            return bytes(data)

        try:
            return unpack(read, self._limits.result)
        except NotData as error:
            self._lose("data", f"sent {error}")

    def close(self) -> None:
        """End everything inside and wait until it is gone."""
        self._kill()
        for end in (self._requests, self._replies):
            os.close(end)
        assert self._process.stdout is not None
        self._process.stdout.close()
        if self._group is not None:
            groups.remove(self._group)

    def _kill(self) -> None:
        """Kill bubblewrap: with it goes the first process inside, and with that the rest."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _lose(self, kind: str, message: str) -> NoReturn:
        self._kill()
        raise Lost(kind, message)

    def _wait(self, deadline: float, writing: bool = False) -> bool:
        """Wait a moment until the channel is ready, watching time, memory and output."""
        now = time.monotonic()
        if now >= deadline:
            self._lose("time", "did not finish in time")
        if now >= self._next_look:
            if self._next_look and self._memory() > self._limits.memory:
                self._lose("memory", f"used more than {self._limits.memory >> 20} MB of memory")
            self._next_look = now + LOOK_EVERY
        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        channel = self._requests if writing else self._replies
        poll.register(channel, select.POLLOUT if writing else select.POLLIN)
        ready = [end for end, _ in poll.poll(1000 * min(deadline - now, LOOK_EVERY))]
        if self._output in ready:
            self._drain()
        # Not before the channel is empty: a message in it may tell which cell is printing.
        if self._printed > self._limits.output and channel not in ready:
            self._lose("output", f"printed more than {self._limits.output / (1 << 20):g} MB")
        return channel in ready

    def _drain(self) -> None:
        """Throw away what was printed, but for the first words: they tell why a start failed."""
        try:
            printed = os.read(self._output, 1 << 16)
        except BlockingIOError:
            return
        self._printed += len(printed)
        self._first_words = (self._first_words + printed)[:2000]
        if not printed:  # everything inside has closed it; the replies will tell more
            time.sleep(0.001)

    def _processes(self) -> list[int]:
        """Return bubblewrap and all that runs inside, parents before children."""
        found = [self._process.pid]
        for process in found:  # it grows
            tasks = f"/proc/{process}/task"
            threads: list[str] = []
            with contextlib.suppress(OSError):
                threads = os.listdir(tasks)
            for thread in threads:  # each has children of its own, and may end any time
                with contextlib.suppress(OSError):
                    found += map(int, Path(f"{tasks}/{thread}/children").read_text().split())
        return found

    def _memory(self) -> int:
        """Return how many bytes they hold together, each shared page counted once."""
        total = 0
        for process in self._processes():
            with contextlib.suppress(OSError, ValueError, IndexError):
                smaps = Path(f"/proc/{process}/smaps_rollup").read_text()
                total += int(smaps.split("Pss:")[1].split()[0]) << 10
        return total

    def _ended(self) -> NoReturn:
        """Say how the process inside came to its end."""
        try:
            code = self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._lose("data", "closed its connection to the judge")
        number = code - 128 if code > 128 else -code
        if number == signal.SIGSEGV:
            raise Lost("ended", "crashed (segmentation fault)")
        if number == signal.SIGXCPU or number == signal.SIGKILL:
            raise Lost("ended", "was ended by the system (out of memory or processor time)")
        if code > 128 or code < 0:
            raise Lost("ended", f"ended its own process ({_signal_name(number)})")
        raise Lost("ended", f"ended its own process (exit status {code})")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _pipe(reader: contextlib.ExitStack, writer: contextlib.ExitStack) -> tuple[int, int]:
    """Open a pipe, each end of which is closed by the one that it belongs to."""
    ends = os.pipe()
    for stack, end in zip((reader, writer), ends, strict=True):
        stack.callback(os.close, end)
    return ends


def _filter_file(stack: contextlib.ExitStack) -> int | None:
    """Open the filter of system calls for bubblewrap to read."""
    program = seccomp_filter()
    if program is None:
        return None
    file = os.memfd_create("seccomp", 0)
    stack.callback(os.close, file)
    os.write(file, program)
    os.lseek(file, 0, os.SEEK_SET)
    return file


def _command(limits: Limits, slot: Slot, requests: int, replies: int, filter_file: int | None) -> list[str]:
    """Return the command line: what is unshared, what is seen, who runs in it."""
    folders, modules = _visible()
    seen: list[str] = []
    for folder in folders:
        # bubblewrap would make these for its own user alone, and the worker becomes another one.
        for parent in reversed(Path(folder).parents[:-1]):
            seen += ["--perms", "0755", "--dir", str(parent)]
        seen += ["--ro-bind-try", folder, folder]
    environment = {
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "agg",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PATH": "/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": ":".join(modules),
    }
    settings = {
        "requests": requests,
        "replies": replies,
        "limits": limits.of_process(),
        "user": slot.user,
    }
    return [
        bubblewrap(),
        *_namespaces(),
        *("--perms", "1777", "--size", str(limits.disk), "--tmpfs", "/tmp", "--chdir", "/tmp"),
        *seen,
        *("--proc", "/proc", "--dev", "/dev"),
        *("--remount-ro", "/dev", "--remount-ro", "/"),
        "--clearenv",
        *(part for name, value in environment.items() for part in ("--setenv", name, value)),
        *(["--seccomp", str(filter_file)] if filter_file is not None else []),
        *("--", os.path.realpath(sys.executable), "-S", "-s", "-P", "-m", "nncourse.grading.worker"),
        json.dumps(settings),
    ]
