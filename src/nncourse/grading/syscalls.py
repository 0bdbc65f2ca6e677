"""The system calls that a learner's code has no use for: a seccomp filter that refuses them.

The sandbox does not rest on it. It takes away the parts of the kernel in which ways out of sandboxes are
found again and again (new namespaces, mounts, tracing, io_uring, bpf), and memory that no limit counts.
"""

from __future__ import annotations

import errno
import platform
import struct

_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}

# Number on x86_64, number on aarch64.
_REFUSED = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setns": (308, 268),
    "shmget": (29, 194),
    "swapon": (167, 224),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
_CLONE, _CLONE3 = (56, 220), (435, 435)
_NEW_NAMESPACES = 0x7E020080  # every CLONE_NEW… flag

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _REFUSE, _UNKNOWN = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS


def seccomp_filter(machine: str | None = None) -> bytes | None:
    """Return the filter as a program for the kernel (BPF), or None on a machine we do not know."""
    known = _ARCHITECTURES.get(machine or platform.machine())
    if known is None:
        return None
    architecture, column = known
    program: list[tuple[int, int, int, int]] = []

    def add(code: int, value: int, then: int = 0, otherwise: int = 0) -> None:
        program.append((code, then, otherwise, value))

    add(_LOAD, _ARCHITECTURE)
    add(_EQUAL, architecture, 1, 0)  # a 32-bit call would have other numbers
    add(_RETURN, _REFUSE)
    add(_LOAD, _NUMBER)
    add(_AT_LEAST, 0x40000000, 0, 1)  # and so would one of x32
    add(_RETURN, _REFUSE)
    for numbers in _REFUSED.values():
        add(_EQUAL, numbers[column], 0, 1)
        add(_RETURN, _REFUSE)
    # The C library falls back from clone3, whose flags a filter cannot see, to clone.
    add(_EQUAL, _CLONE3[column], 0, 1)
    add(_RETURN, _UNKNOWN)
    add(_EQUAL, _CLONE[column], 0, 3)
    add(_LOAD, _FIRST_ARGUMENT)
    add(_ANY_BIT, _NEW_NAMESPACES, 0, 1)
    add(_RETURN, _REFUSE)
    add(_RETURN, _ALLOW)
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)
