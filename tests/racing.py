"""Several who do something in one moment: what is between their looking and their writing waits for all of them."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask

from app.wiring import Services

PATIENCE = 60.0
MOMENT = 0.5
"""Seconds after which whoever waits goes on alone: on SQLite the others wait for the one who writes."""
Act = Callable[[Services], Any]


def at_once(app: Flask, acts: Iterable[Act]) -> list[Any]:
    """What comes of each, committed; what any raises is raised."""
    wanted = list(acts)
    gate = threading.Barrier(len(wanted))

    def run(act: Act) -> Any:
        with app.app_context():
            services: Services = app.extensions["services"]
            gate.wait(PATIENCE)
            result = act(services)
            services.db.commit()
            return result

    with ThreadPoolExecutor(len(wanted)) as pool:
        return list(pool.map(run, wanted))


def meet_after(monkeypatch: pytest.MonkeyPatch, owner: type, method: str, count: int) -> list[str]:
    """Have the first ``count`` who leave the method wait for each other; answers how many did, by their threads."""
    real, gate, met = getattr(owner, method), threading.Barrier(count), []

    def meeting(*args: Any, **named: Any) -> Any:
        result = real(*args, **named)
        if len(met) < count:
            met.append(threading.current_thread().name)
            with suppress(threading.BrokenBarrierError):
                gate.wait(MOMENT)
        return result

    monkeypatch.setattr(owner, method, meeting)
    return met
