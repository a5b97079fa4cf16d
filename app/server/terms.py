"""What the server has to know of the application in order to answer where the application cannot."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from flask import Flask

from app.server.outward import path

EXTENSION = "terms"


@dataclass(frozen=True)
class Terms:
    """``headers`` no answer goes without, the ``longest_body`` in bytes, and the ``prompt`` requests.

    Those are the beginnings of requests, such as ``b"GET /health"``, whose answers wait for nothing: a thread of their
    own keeps them coming when all others wait for a database. ``prompt_rooms`` are what further ones begin with.
    ``longer_bodies`` are requests, such as ``b"PUT /photo"``, that may have more than the longest body, and how much.
    ``pulse`` is told about once a second how many connections a worker has, ``refused`` why a request was refused.
    ``outward`` are the paths of requests whose answers may wait for somebody outside, and for whom: they have threads
    of their own.
    """

    headers: tuple[tuple[str, str], ...]
    longest_body: int
    prompt: frozenset[bytes]
    prompt_rooms: tuple[bytes, ...] = ()
    longer_bodies: tuple[tuple[bytes, int], ...] = ()
    outward: Mapping[bytes, str] = field(default_factory=dict)
    pulse: Callable[[int], None] = lambda connections: None
    refused: Callable[[str], None] = lambda reason: None

    def is_prompt(self, asked: bytes) -> bool:
        """Whether what was asked, method and target, is answered without waiting for anything."""
        return asked in self.prompt or asked.startswith(self.prompt_rooms)

    def outward_to(self, asked: bytes) -> str | None:
        """For whom outside the answer to what was asked, method and target, may wait; None where it does not."""
        return self.outward.get(path(asked)) if self.outward else None


def agree(app: Flask, terms: Terms) -> None:
    """Tell the server."""
    app.extensions[EXTENSION] = terms


def of(app: Flask) -> Terms:
    """The terms of an application."""
    return cast(Terms, app.extensions[EXTENSION])
