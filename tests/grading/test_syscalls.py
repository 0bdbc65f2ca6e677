"""The filter of system calls, run by an interpreter of its own: one need not have every machine."""

from __future__ import annotations

import errno
import struct

import pytest

from nncourse.grading.syscalls import seccomp_filter

X86, ARM, X86_32 = 0xC000003E, 0xC00000B7, 0x40000003
ALLOWED, REFUSED, UNKNOWN = 0x7FFF0000, 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS


def verdict(machine: str, architecture: int, number: int, argument: int = 0) -> int:
    """What the kernel answers to a system call: the few instructions of BPF that the filter uses."""
    program = seccomp_filter(machine)
    assert program is not None
    code = list(struct.iter_unpack("<HBBI", program))
    data = struct.pack("<IIQQ", number, architecture, 0, argument)
    place, value = 0, 0
    while True:
        operation, then, otherwise, k = code[place]
        place += 1
        if operation == 0x20:
            (value,) = struct.unpack_from("<I", data, k)
        elif operation == 0x06:
            return int(k)
        else:
            holds = {0x15: value == k, 0x35: value >= k, 0x45: bool(value & k)}[operation]
            place += then if holds else otherwise


@pytest.mark.parametrize(
    ("machine", "architecture", "number", "argument", "expected"),
    [
        ("x86_64", X86, 0, 0, ALLOWED),  # read
        ("x86_64", X86, 59, 0, ALLOWED),  # execve
        ("x86_64", X86, 165, 0, REFUSED),  # mount
        ("x86_64", X86, 272, 0, REFUSED),  # unshare
        ("x86_64", X86, 101, 0, REFUSED),  # ptrace
        ("x86_64", X86, 435, 0, UNKNOWN),  # clone3
        ("x86_64", X86, 0x40000000 | 165, 0, REFUSED),  # mount by its x32 number
        ("x86_64", X86_32, 21, 0, REFUSED),  # mount by its 32-bit number
        ("aarch64", ARM, 63, 0, ALLOWED),  # read
        ("aarch64", ARM, 40, 0, REFUSED),  # mount
        ("aarch64", ARM, 97, 0, REFUSED),  # unshare
        ("aarch64", ARM, 435, 0, UNKNOWN),
    ],
)
def test_what_learners_code_has_no_use_for_is_refused(
    machine: str, architecture: int, number: int, argument: int, expected: int
) -> None:
    assert verdict(machine, architecture, number, argument) == expected


@pytest.mark.parametrize(("machine", "architecture", "clone"), [("x86_64", X86, 56), ("aarch64", ARM, 220)])
def test_a_process_may_be_made_and_a_namespace_not(machine: str, architecture: int, clone: int) -> None:
    # struct seccomp_data: the first argument stands at byte 16, after the instruction pointer.
    assert verdict(machine, architecture, clone, 0x01200011) == ALLOWED
    for namespace in (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x04000000, 0x08000000, 0x02000000):
        assert verdict(machine, architecture, clone, namespace | 17) == REFUSED


def test_a_machine_that_is_not_known_has_no_filter() -> None:
    assert seccomp_filter("riscv64") is None
