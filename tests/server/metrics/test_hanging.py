"""A database that hangs takes its own numbers away and nothing else, and a flood of scrapes is no load for it."""

import threading
from collections.abc import Callable

import pytest
from flask import Flask

from app.server.metrics import exposition, state
from app.services.delivery.outbox import Outbox, Queue
from tests.server.metrics.reading import Reading

LONG = 60.0


def read(app: Flask) -> Reading:
    return Reading(app.test_client().get("/metrics").text)


def test_a_database_that_hangs_holds_up_no_scrape(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on, asked = threading.Event(), []

    def hang(outbox: Outbox) -> list[Queue]:
        asked.append(outbox)
        assert goes_on.wait(LONG)
        return []

    monkeypatch.setattr(Outbox, "queues", hang)
    monkeypatch.setattr(exposition, "KEPT_SECONDS", -1.0)
    for number in range(1, 4):
        now = read(app)
        assert (now("portal_state_up"), now("portal_scrape_errors_total")) == (0, number)
        assert now.labels("portal_signing_key_age_seconds", "status") == set()
        assert now("portal_build_info") == 1
    # However many ask, one connection waits.
    assert len(asked) == 1
    goes_on.set()
    monkeypatch.setattr(state, "PATIENCE_SECONDS", LONG)
    now = read(app)
    assert (now("portal_state_up"), now("portal_scrape_errors_total")) == (1, 3)
    assert now.labels("portal_signing_key_age_seconds", "status") == {"current", "next"}


def test_where_it_is_not_nobody_asks_the_database(make_app: Callable[..., Flask]) -> None:
    app = make_app("postgresql+psycopg://nobody@127.0.0.1:1/none", METRICS_BIND="127.0.0.1:9100")
    browser = app.test_client()
    browser.set_cookie("portal_session", "of-somebody")
    answer = browser.get("/metrics")
    assert (answer.status_code, answer.mimetype) == (404, "application/json")


def test_a_flood_of_scrapes_asks_the_database_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Outbox] = []
    monkeypatch.setattr(Outbox, "queues", lambda outbox: asked.append(outbox) or [])
    monkeypatch.setattr(state, "FRESH_SECONDS", LONG)
    monkeypatch.setattr(state, "PATIENCE_SECONDS", LONG)
    texts = {app.test_client().get("/metrics").text for _ in range(50)}
    assert len(asked) == 1
    monkeypatch.setattr(exposition, "KEPT_SECONDS", LONG)
    kept = {app.test_client().get("/metrics").text for _ in range(50)}
    assert len(kept) <= 2
    assert texts


def test_a_database_that_is_away_is_an_error_of_the_scrape(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "PATIENCE_SECONDS", LONG)
    app = make_app("postgresql+psycopg://nobody@127.0.0.1:1/none")
    now = read(app)
    assert (now("portal_state_up"), now("portal_scrape_errors_total")) == (0, 1)
    assert now("portal_build_info", database="postgresql") == 1
