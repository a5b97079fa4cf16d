"""Looking up names within a deadline, of which the system's resolver knows nothing.

It is asked nevertheless, for it alone reads all that the machine is told about names (``/etc/hosts`` among it). A
thread asks it, which is left behind when time is up: one for each name, so that a name whose servers are silent holds
no more than that, and everybody who waits for the name waits for the same answer.
"""

import socket
import threading
from concurrent.futures import Future
from typing import Any

MOST = 32
"""Names that are looked up at a time in one process."""
Addresses = list[tuple[Any, ...]]
"""As :func:`socket.getaddrinfo` answers."""
_under_way: dict[tuple[str, int], Future[Addresses]] = {}
_turn = threading.Lock()


def addresses(host: str, port: int, seconds: float) -> Addresses:
    """Where to connect to; raises ``TimeoutError`` after so many seconds and ``OSError`` for what is no such name."""
    name = host, port
    with _turn:
        found = _under_way.get(name)
        if found is None:
            if len(_under_way) >= MOST:
                raise OSError("too many names are looked up")
            found = Future()
            threading.Thread(target=_look_up, args=(name, found), name="lookup", daemon=True).start()
            _under_way[name] = found
    return found.result(seconds)


def _look_up(name: tuple[str, int], found: Future[Addresses]) -> None:
    try:
        answer = socket.getaddrinfo(*name, type=socket.SOCK_STREAM)
    except Exception as error:  # noqa: BLE001 it is raised where the name is waited for
        _forget(name)
        found.set_exception(error)
    else:
        _forget(name)
        found.set_result(answer)


def _forget(name: tuple[str, int]) -> None:
    with _turn:
        del _under_way[name]
