"""A connection, and the rooms it is in: in each wait those that are ready for the same thing."""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from app.server.connections.arrival import Arrival


class Connection:
    """A client's connection, with what has come of its next request and what was not yet sent of an answer."""

    __slots__ = ("arrival", "client", "ends", "number", "room", "server", "sock", "unsent", "waits_for")

    def __init__(self, sock: socket.socket, client: Any, server: Any, arrival: Arrival, room: "Room") -> None:
        self.sock = sock
        self.number = sock.fileno()
        self.client = client
        self.server = server
        self.arrival = arrival
        self.room = room
        self.unsent = memoryview(b"")
        self.ends = False
        self.waits_for = ""


Room = dict[Connection, float]
"""Connections that wait for the same thing, and since when. Who takes one out of its room has it, and nobody else."""


def first_of(room: Room) -> Connection | None:
    """Who came into a room first; it is the caller's now."""
    while room:
        with suppress(KeyError, RuntimeError, StopIteration):  # others take from it too
            conn = next(iter(room))
            del room[conn]
            return conn
    return None


def taken_from(room: Room, before: float, grace: Callable[[Connection], float] = lambda conn: 0.0) -> list[Connection]:
    """Those that came into a room before a moment, by their ``grace`` in seconds earlier; they are the caller's now."""
    late = [conn for conn, since in list(room.items()) if since + grace(conn) < before]
    return [conn for conn in late if room.pop(conn, None) is not None]
