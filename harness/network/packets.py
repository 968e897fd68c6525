"""Dropping what arrives at a socket before TCP sees it: nothing is acknowledged, nothing refused.

It is what a cut cable does. The kernel's filter for sockets needs no privilege, meets one
connection alone, and is gone with its process. Linux only.
"""

import ctypes
import socket
import struct
from contextlib import suppress
from typing import Protocol

_ATTACH_FILTER, _DETACH_FILTER = 26, 27
"""SO_ATTACH_FILTER and SO_DETACH_FILTER of Linux, which Python does not name."""
_RETURN = 0x06
"""BPF_RET | BPF_K: end, and keep so many bytes of the packet."""


class Socket(Protocol):
    """A socket, or what asyncio shows of one."""

    def fileno(self) -> int:
        """Give its descriptor, -1 once it is closed."""

    def setsockopt(self, level: int, optname: int, value: bytes | int, /) -> None:
        """Set an option."""


def drop_all(sock: Socket) -> None:
    """Let nothing in any more. Raises `OSError` where the kernel has no such filter."""
    program = ctypes.create_string_buffer(struct.pack("HBBI", _RETURN, 0, 0, 0))
    where = ctypes.addressof(program)
    sock.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("@HP", 1, where))


def drop_none(sock: Socket) -> None:
    """Let everything in again; safe to call where nothing is dropped."""
    if sock.fileno() >= 0:
        with suppress(FileNotFoundError):  # it has no filter
            sock.setsockopt(socket.SOL_SOCKET, _DETACH_FILTER, 0)


def cannot_drop() -> str:
    """Say why packets cannot be dropped on this machine; empty where they can."""
    with socket.socket() as probe:
        try:
            drop_all(probe)
        except OSError as error:
            return f"the kernel has no filters for sockets ({error.strerror}), as Linux has"
    return ""
