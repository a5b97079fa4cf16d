"""Traces, on or off: nothing of OpenTelemetry is loaded, and nothing is in the way of a request, while they are off."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, cast

from flask import Flask

from app.settings import Settings

EXTENSION = "tracing"


class Tracing(Protocol):
    """Makes spans, and sends them away."""

    def exchange(self, name: str, **attributes: str) -> AbstractContextManager[None]:
        """A span about an exchange with somebody outside, while the block runs."""
        ...

    def stop(self) -> None:
        """Send what was not sent yet; nothing more will be."""
        ...


def configure(app: Flask, settings: Settings) -> None:
    """Trace the requests of ``app``, if the settings say where to; the last layer to be put in front of it."""
    if settings.observation.traces_endpoint:
        from app.server.tracing import spans  # noqa: PLC0415 its packages need not be there

        app.extensions[EXTENSION] = spans.configure(app, settings)


def exchange(app: Flask, name: str, **attributes: str) -> AbstractContextManager[None]:
    """A span about an exchange with somebody outside, if there are traces."""
    tracing = cast("Tracing | None", app.extensions.get(EXTENSION))
    return tracing.exchange(name, **attributes) if tracing else nullcontext()


def stop(app: Flask) -> None:
    """To be called when a process ends."""
    if tracing := cast("Tracing | None", app.extensions.get(EXTENSION)):
        tracing.stop()
