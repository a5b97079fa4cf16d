"""What is done beside the requests: each delivery by one process at a time, none forgotten, none holding up others."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from flask import Flask

from app.models import Delivery
from app.server.background import Background
from app.services.delivery.outbox import DeliveryFailed, Due
from tests.clock import Clock
from tests.databases import PostgresDatabases
from tests.mail.conftest import smtp_settings
from tests.mail.queue import deliver, outcome, queue
from tests.mail.smtp_server import SmtpServer
from tests.servers import PostgresCluster, running, started

pytestmark = pytest.mark.timed

MakeApp = Callable[..., Flask]
PATIENCE = 30.0


def until(condition: Callable[[], bool]) -> bool:
    """Whether it comes true before one loses patience."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def row(app: Flask) -> Delivery:
    with app.app_context():
        (found,) = app.extensions["services"].db.session.scalars(sa.select(Delivery)).all()
        return found  # type: ignore[no-any-return]


def claim(app: Flask, limit: int = 1) -> list[Due]:
    with app.app_context():
        return list(app.extensions["services"].outbox.claim(["mail"], limit))


class Scripted:
    """A courier for mails that does what it is told, by the name in the mail."""

    kinds = ("mail",)
    parallel = 4
    room = 4

    def __init__(self, **script: Exception) -> None:
        self.script = script
        self.arrived: Counter[str] = Counter()

    def prepare(self, due: Due) -> Callable[[], None] | None:
        name = due.content["values"]["name"]
        if f"prepare_{name}" in self.script:
            raise self.script[f"prepare_{name}"]

        def send() -> None:
            if name in self.script:
                raise self.script[name]
            self.arrived[name] += 1

        return send


def test_no_delivery_is_claimed_twice(make_app: MakeApp, database_url: str) -> None:
    """Two portals, four threads each, as processes do: each row goes to one of them."""
    apps = [make_app(database_url) for _ in range(2)]
    for _ in range(60):
        queue(apps[0])

    def claim_all(app: Flask) -> list[str]:
        ids: list[str] = []
        while claimed := claim(app, 3):
            ids += [due.id for due in claimed]
        return ids

    with ThreadPoolExecutor(8) as pool:
        found = [each for ids in pool.map(claim_all, apps * 4) for each in ids]
    assert len(found) == len(set(found)) == 60


def test_a_claim_that_nobody_answers_for_is_over_after_a_while(app: Flask, clock: Clock) -> None:
    queue(app)
    assert [due.attempts for due in claim(app)] == [1]
    clock.advance(minutes=4, seconds=59)
    assert claim(app) == []
    clock.advance(seconds=1)
    assert [due.attempts for due in claim(app)] == [2]


def test_who_comes_back_too_late_changes_nothing(app: Flask, clock: Clock) -> None:
    queue(app)
    (slow,) = claim(app)
    clock.advance(minutes=5)
    (quick,) = claim(app)
    until_then = row(app).next_attempt_at
    with app.app_context():
        services = app.extensions["services"]
        services.outbox.failed(slow, DeliveryFailed("late"))
        services.db.commit()
    assert (row(app).next_attempt_at, row(app).error) == (until_then, "")
    with app.app_context():
        services.outbox.done(quick)
        services.outbox.failed(slow, DeliveryFailed("later still", is_final=True))
        services.db.commit()
    assert outcome(app) == ("done", "")


def test_what_another_key_sealed_waits_for_who_has_it(
    make_app: MakeApp, open_database: Callable[..., str], clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A node that was started with a wrong key throws nothing away."""
    url, keys = open_database(), [Fernet.generate_key().decode() for _ in range(3)]
    right, wrong = (make_app(url, ENCRYPTION_KEYS=key) for key in keys[:2])
    queue(right)
    assert (deliver(wrong), deliver(wrong)) == (0, 0)
    assert outcome(wrong) == ("waits", "sealed_with_another_key")
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in warnings] == ["delivery_does_not_open"]
    clock.advance(minutes=1)
    assert deliver(right) == 1


def test_what_nobody_can_open_is_given_up_when_its_time_is_over(
    make_app: MakeApp, open_database: Callable[..., str], clock: Clock
) -> None:
    url, keys = open_database(), [Fernet.generate_key().decode() for _ in range(2)]
    queue(make_app(url, ENCRYPTION_KEYS=keys[0]))
    wrong = make_app(url, ENCRYPTION_KEYS=keys[1])
    deliver(wrong)
    clock.advance(days=4)
    assert deliver(wrong) == 0
    assert outcome(wrong) == ("given up", "sealed_with_another_key")


def test_a_key_that_was_replaced_still_opens(make_app: MakeApp, open_database: Callable[..., str]) -> None:
    url, (old, new) = open_database(), [Fernet.generate_key().decode() for _ in range(2)]
    queue(make_app(url, ENCRYPTION_KEYS=old))
    assert deliver(make_app(url, ENCRYPTION_KEYS=f"{new},{old}")) == 1


def test_one_that_is_lost_holds_up_none_of_the_others(make_app: MakeApp, open_database: Callable[..., str]) -> None:
    url, keys = open_database(), [Fernet.generate_key().decode() for _ in range(2)]
    lost, kept = (make_app(url, ENCRYPTION_KEYS=key) for key in keys)
    queue(lost)
    queue(lost)
    queue(kept)
    assert deliver(kept) == 1


@pytest.mark.parametrize("where", ["", "prepare_"])
@pytest.mark.parametrize(
    ("error", "reason", "is_logged"),
    [(DeliveryFailed("refused"), "refused", False), (RuntimeError("a bug"), "error", True)],
)
def test_a_courier_that_fails_holds_up_none_of_its_others(
    app: Flask, caplog: pytest.LogCaptureFixture, where: str, error: Exception, reason: str, is_logged: bool
) -> None:
    for name in ("Bad", "Ada", "Eve"):
        queue(app, name=name)
    courier = Scripted(**{f"{where}Bad": error})
    background = Background(app, [courier])
    background.start()
    assert until(lambda: sum(courier.arrived.values()) == 2)
    background.stop()
    assert courier.arrived == {"Ada": 1, "Eve": 1}
    with app.app_context():
        rows = app.extensions["services"].db.session.scalars(sa.select(Delivery)).all()
        assert sorted((each.error, each.done_at is None) for each in rows) == [("", False), ("", False), (reason, True)]
    assert ("courier_failed" in caplog.messages) is is_logged


def test_what_is_queued_is_delivered_at_once_and_not_at_the_next_round(app: Flask) -> None:
    courier = Scripted()
    background = Background(app, [courier])
    background.start()
    time.sleep(0.5)
    began = time.monotonic()
    queue(app, name="Ada")
    assert until(lambda: courier.arrived["Ada"] == 1)
    assert time.monotonic() - began < 3  # rounds are five seconds apart
    background.stop()


@pytest.fixture
def cluster() -> Iterator[PostgresCluster]:
    """A PostgreSQL that may be ended."""
    yield from started(running(PostgresCluster))


def test_a_database_that_was_away_learns_what_arrived_meanwhile(
    make_app: MakeApp,
    cluster: PostgresCluster,
    tmp_path: Path,
    instance: Path,
    mail_server: SmtpServer,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The server took the mail while nobody could write it down: it is written down later, and not sent again."""
    with PostgresDatabases(tmp_path / "template", cluster).fresh(instance, "seeded") as url:
        app = make_app(url, **smtp_settings(mail_server))
        queue(app)
        mail_server.gate = threading.Event()
        app.extensions["background"].start()
        assert until(lambda: "DATA" in mail_server.asked)
        cluster.stop()
        mail_server.gate.set()
        assert until(lambda: "background_waits" in caplog.messages)
        time.sleep(6)  # another round
        cluster.start()
        assert until(lambda: asked(app, outcome) == ("done", ""))
        clock.advance(minutes=10)
        time.sleep(6)
        app.extensions["background"].stop()
        assert len(mail_server.arrived) == 1
        assert caplog.messages.count("background_waits") == 1


def asked(app: Flask, question: Callable[[Flask], Any]) -> Any:
    """The answer, or None as long as the database does not give one."""
    try:
        return question(app)
    except sa.exc.OperationalError:
        return None
