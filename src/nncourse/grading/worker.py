"""What runs inside the sandbox: the cells of one notebook, then one call after another.

The learner's code shares this process, so it can break everything here, and that is allowed: whatever it
does, the judge only ever gets the learner's own results. Limits are set and a greeting is sent before
the first line of the learner runs. It runs no check and knows no expected value.
"""

from __future__ import annotations

import builtins
import json
import linecache
import os
import sys
import traceback
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from nncourse.grading.cells import prepare
from nncourse.grading.values import WIDEST, NotData, decode, encode, fits, pack, snapshot, unpack

GREETING = "nncourse worker 1"
LONGEST = 300  # characters of a message
ANY_SIZE = 1 << 40  # the judge may send what it likes


class Channel:
    """Messages to and from the judge, apart from what the learner's code prints and reads."""

    def __init__(self, requests: int, replies: int) -> None:
        self._requests = os.fdopen(requests, "rb")
        self._replies = os.fdopen(replies, "wb", buffering=0)
        self._process = os.getpid()

    def receive(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Wait for the next request; end quietly when the judge has gone."""

        def read(size: int) -> bytes:
            data = self._requests.read(size)
            if len(data) < size:
                os._exit(0)
            return data

        return unpack(read, ANY_SIZE, ANY_SIZE)

    def send(self, message: bytes) -> None:
        """Send a reply, unless this is a copy of the process that the learner's code forked off."""
        if os.getpid() != self._process:
            os._exit(0)
        rest = memoryview(message)
        while rest:
            rest = rest[self._replies.write(rest) :]


def confine(limits: dict[str, int], user: int | None) -> None:
    """Take the limits on, and give up every right, for good."""
    import resource  # on Unix only, and so is the sandbox

    for name, value in limits.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)


class Quiet(types.ModuleType):
    """Stands for what a notebook talks to and the judge does not need: IPython, its own checks."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: None


def stand_ins() -> tuple[dict[str, Any], dict[str, types.ModuleType]]:
    """Return the names that a notebook finds in every kernel, and modules to stand in for real ones."""
    shell, exercises = Quiet("shell"), Quiet("nncourse.exercises")
    exercises.__path__ = [os.path.join(os.path.dirname(os.path.dirname(__file__)), "exercises")]
    names = {"display": lambda *_, **__: None, "get_ipython": lambda: shell}
    return names, {"nncourse.exercises": exercises}


def describe(error: BaseException) -> dict[str, Any]:
    """Tell what went wrong, and at which line of the notebook."""
    where = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith("cell "):
            where = f"{frame.filename}, line {frame.lineno}: {frame.line}"
    if isinstance(error, SyntaxError):
        where = f"{error.filename}, line {error.lineno}: {(error.text or '').strip()}"
    try:
        message = str(error)[:LONGEST]
    except BaseException:  # the learner's own exception, with a __str__ that fails
        message = ""
    return {
        "raised": type(error).__name__[:80],
        "message": message,
        "where": where[:LONGEST],
        "unanswered": isinstance(error, NotImplementedError),
    }


def run_cells(
    request: dict[str, Any], names: dict[str, Any], announce: Callable[[int], None]
) -> dict[str, Any]:
    """Run the cells in order, and once more those that missed a name which a later one defines.

    Return a line for the learner on each answer given more than once, and what is wrong with each cell
    that failed.
    """
    cells, notes = prepare(request["cells"], request["asked"], announce)
    failed: dict[int, dict[str, Any]] = {}

    def run(cell: dict[str, Any]) -> None:
        number, source = cell["number"], cell["source"]
        file = f"cell {number}"
        announce(number)
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        failed.pop(number, None)
        try:
            exec(compile(source, file, "exec"), names)
        except BaseException as error:
            failed[number] = {"cell": number, **describe(error)}

    for cell in cells:
        run(cell)
    for cell in cells:
        if failed.get(cell["number"], {}).get("raised") == "NameError":
            run(cell)
    return {"notes": notes, "failed": list(failed.values())}


def find(names: dict[str, Any], objects: list[Any], request: dict[str, Any]) -> Any:
    """Return what a request is about: a name of the notebook, an object, or an attribute of one."""
    if request["object"] is None:
        return names[request["name"]]
    found = objects[request["object"]]
    return found if request["name"] is None else getattr(found, request["name"])


def answer(
    names: dict[str, Any], objects: list[Any], request: dict[str, Any], arrays: list[np.ndarray]
) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Do what the judge asks for: look a name up, or call what it stands for."""
    reply: dict[str, Any] = {}
    try:
        target = find(names, objects, request)
    except (KeyError, AttributeError):
        return {"missing": True}, []
    if request["do"] == "look":
        if callable(target):
            return {"callable": True}, []
        result = target
    else:
        arguments = [decode(tree, arrays) for tree in request["arguments"]]
        options = {key: decode(tree, arrays) for key, tree in request["options"].items()}
        before = snapshot([arguments, options])
        result = target(*arguments, **options)
        reply["changed"] = snapshot([arguments, options]) != before
        if isinstance(target, type):
            objects.append(result)
            return {**reply, "object": len(objects) - 1}, []
    out: list[np.ndarray] = []
    return {**reply, "value": encode(result, out)}, out


def reply_to(
    names: dict[str, Any], objects: list[Any], request: dict[str, Any], arrays: list[np.ndarray]
) -> bytes:
    """Return the message that answers a request, whatever the learner's code does."""
    try:
        reply, out = answer(names, objects, request, arrays)
        message = pack(reply, out)
    except NotData as error:
        return pack({"not_data": str(error)[:LONGEST]})
    except BaseException as error:
        return pack(describe(error))
    if not fits(message, out, request["most_bytes"]):
        most = f"{request['most_bytes'] >> 20} MB, at {WIDEST} bytes a number"
        return pack({"not_data": f"a result of more than {most}"})
    return message


def main() -> None:
    """Greet the judge, run the cells, answer calls until it hangs up."""
    settings = json.loads(sys.argv[1])
    channel = Channel(settings["requests"], settings["replies"])
    confine(settings["limits"], settings["user"])
    channel.send(pack({"greeting": GREETING}))
    request, _ = channel.receive()
    main_module = types.ModuleType("__main__")
    given, modules = stand_ins()
    sys.modules.update(modules, __main__=main_module)
    vars(builtins).update(given)
    names = vars(main_module)
    channel.send(pack(run_cells(request, names, lambda number: channel.send(pack({"cell": number})))))
    objects: list[Any] = []
    while True:
        request, arrays = channel.receive()
        channel.send(reply_to(names, objects, request, arrays))


if __name__ == "__main__":
    main()
