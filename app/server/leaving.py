"""How the portal leaves: readiness says so first, then nobody is let in any more, then it goes.

What decides is written to memory that the master shares with its workers: only the master knows that all of them go,
and not one of them for another. Where a new master has taken over the sockets (SIGUSR2), nobody needs to know.
"""

import ctypes
import mmap
import signal
import socket
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, cast

_state: mmap.mmap | None = None
SO_ATTACH_FILTER = 26
# Of what arrives at a listening socket: load the flags of the TCP header, drop what has SYN set, take the rest.
NO_NEW = [(0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF)]


def is_leaving() -> bool:
    """Whether this portal has been told to end and nobody takes its place."""
    return _state is not None and _state[0] != 0


def announce(seconds: int, has_heir: Callable[[], bool], listeners: Callable[[], Iterable[Any]]) -> None:
    """To be called in the master, once it handles signals: let so many seconds pass between SIGTERM and the end.

    In these everything goes on, but readiness says that the portal leaves. A second SIGTERM ends the wait.
    """
    global _state
    state = _state = mmap.mmap(-1, 1)
    told = cast(Callable[[int, Any], Any], signal.getsignal(signal.SIGTERM))

    def end(frame: Any) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if not has_heir():
            for listener in listeners():
                let_nobody_in(listener)
        told(signal.SIGTERM, frame)

    def leave(number: int, frame: Any) -> None:
        was_leaving, state[0] = is_leaving(), not has_heir()
        if seconds and is_leaving() and not was_leaving:
            signal.setitimer(signal.ITIMER_REAL, seconds)
        else:
            end(frame)

    signal.signal(signal.SIGALRM, lambda number, frame: end(frame))
    signal.signal(signal.SIGTERM, leave)


def let_nobody_in(listener: socket.socket) -> None:
    """Let whoever is connecting finish, and nobody begin: the system would reset who is in line when a socket closes.

    They ask again a second later, and are refused. Where the system has no such filters, a few may be reset.
    """
    if listener.family == socket.AF_UNIX:
        return
    code = b"".join(struct.pack("HBBI", *step) for step in NO_NEW)
    kept = ctypes.create_string_buffer(code, len(code))
    with suppress(OSError):
        program = struct.pack("HL", len(NO_NEW), ctypes.addressof(kept))
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
