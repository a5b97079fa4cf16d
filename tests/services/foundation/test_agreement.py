"""Nodes that know other secrets find out from each other, and nobody learns a secret from what they leave behind."""

import itertools
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from flask import Flask

from tests.clock import Clock

MakeApp = Callable[..., Flask]
OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))
SECRETS = {"SECRET_KEY": "the-first-secret-of-forms-32-characters"}


def tell(*apps: Flask) -> None:
    """A round of the background of each node."""
    for app in apps:
        with app.app_context():
            app.extensions["services"].agreement.tell()


def ready(app: Flask) -> tuple[int, Any]:
    answer = app.test_client().get("/ready")
    return answer.status_code, answer.json


def rows(app: Flask) -> list[Any]:
    with app.app_context():
        return list(app.extensions["services"].db.session.execute(sa.text("SELECT * FROM known_secrets")).all())


def sealed_with(app: Flask, *keys: str) -> None:
    """Seal the signing keys as nodes with these keys would, so that only the disagreement is looked at."""
    services = app.extensions["services"]
    sealer = type(services.sealer)(keys)
    with app.app_context():
        for kid, sealed in services.db.session.execute(
            sa.text("SELECT kid, private_sealed FROM signing_keys WHERE private_sealed != ''")
        ).all():
            values = {"kid": kid, "sealed": sealer.seal(services.sealer.open(sealed))}
            services.db.session.execute(
                sa.text("UPDATE signing_keys SET private_sealed = :sealed WHERE kid = :kid"), values
            )
        services.db.commit()


def test_nodes_that_agree_say_nothing(database_url: str, make_app: MakeApp) -> None:
    first, second = make_app(database_url), make_app(database_url)
    tell(first, second, first)
    assert len(rows(first)) == 2
    assert ready(first) == ready(second)
    assert ready(first)[1]["status"] == "ready"
    assert "secrets" not in ready(first)[1]["checks"]


def test_each_says_that_the_other_has_another_secret(
    database_url: str, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    first = make_app(database_url)
    second = make_app(database_url, SECRET_KEY="another-secret-of-forms-with-40-characters")
    with caplog.at_level(logging.WARNING, "portal.agreement"):
        tell(first, second, first, second, first, second)
    lines = [record.reason for record in caplog.records if record.message == "secrets_differ"]
    assert (
        lines == ["SECRET_KEY is another one on another node: neither can read what the other makes with it."] * 2
    )  # once by each of them
    for app in (first, second):
        status, said = ready(app)
        assert (status, said["status"], said["checks"]["secrets"]) == (200, "degraded", lines[0])


def test_encryption_keys_that_differ_are_said_where_signing_goes_on(database_url: str, make_app: MakeApp) -> None:
    first = make_app(database_url)
    kept = ",".join(first.extensions["services"].settings.secrets.encryption_keys)
    second = make_app(database_url, ENCRYPTION_KEYS=f"{OTHER},{kept}")
    tell(first, second)
    assert ready(first)[1]["checks"]["secrets"] == (
        "ENCRYPTION_KEYS: another node works with a value that this one does not know."
    )
    assert ready(second)[1]["checks"]["secrets"] == (
        "ENCRYPTION_KEYS: another node does not know the value that this one works with."
    )


def test_a_rotation_in_the_documented_order_disagrees_at_no_time(database_url: str, make_app: MakeApp) -> None:
    sealed_with(make_app(database_url), OLD)
    steps = [
        {"ENCRYPTION_KEYS": OLD, "SECRET_KEY": "o" * 40},
        {"ENCRYPTION_KEYS": f"{OLD},{NEW}", "SECRET_KEY": "o" * 40, "SECRET_KEY_FALLBACKS": "n" * 40},
        {"ENCRYPTION_KEYS": f"{NEW},{OLD}", "SECRET_KEY": "n" * 40, "SECRET_KEY_FALLBACKS": "o" * 40},
    ]
    nodes = [make_app(database_url, **step) for step in steps]
    for one, other in itertools.pairwise(nodes):
        with one.app_context():
            one.extensions["services"].db.session.execute(sa.text("DELETE FROM known_secrets"))
            one.extensions["services"].db.commit()
        tell(one, other)
        assert "secrets" not in ready(one)[1]["checks"]
        assert "secrets" not in ready(other)[1]["checks"]


def test_a_node_that_is_gone_does_not_count_for_long(database_url: str, make_app: MakeApp, clock: Clock) -> None:
    first = make_app(database_url)
    second = make_app(database_url, SECRET_KEY="another-secret-of-forms-with-40-characters")
    tell(first, second)
    assert ready(first)[1]["status"] == "degraded"
    clock.advance(seconds=20)
    tell(first)
    assert ready(first)[1]["status"] == "degraded"
    clock.advance(seconds=20)
    tell(first)
    assert ready(first)[1]["status"] == "ready"
    assert len(rows(first)) == 2


def test_a_node_that_ends_in_order_says_so(database_url: str, make_app: MakeApp) -> None:
    first = make_app(database_url)
    second = make_app(database_url, SECRET_KEY="another-secret-of-forms-with-40-characters")
    tell(first, second)
    with second.app_context():
        second.extensions["services"].agreement.leave()
    assert ready(first)[1]["status"] == "ready"


def test_the_shared_secret_of_tokens_counts_too(database_url: str, make_app: MakeApp) -> None:
    hs256 = {"JWT_ALGORITHM": "HS256"}
    first = make_app(database_url, JWT_SHARED_SECRET="s" * 40, **hs256)
    second = make_app(database_url, JWT_SHARED_SECRET="t" * 40, **hs256)
    tell(first, second)
    assert ready(first)[1]["checks"]["secrets"].startswith("JWT_SHARED_SECRET is another one on another node")


def test_marks_are_no_secrets_and_are_written_rarely(database_url: str, make_app: MakeApp, clock: Clock) -> None:
    app = make_app(database_url, SECRET_KEY=SECRETS["SECRET_KEY"], SECRET_KEY_FALLBACKS="f" * 40)
    tell(app)
    before = rows(app)
    text = repr(before)
    for secret in (SECRETS["SECRET_KEY"], "f" * 40, *app.extensions["services"].settings.secrets.encryption_keys):
        assert secret not in text
    assert {row.secret: len(row.marks.split()) for row in before} == {"ENCRYPTION_KEYS": 1, "SECRET_KEY": 2}
    assert all(re.fullmatch(r"[0-9a-f]{32}( [0-9a-f]{32})*", row.marks) for row in before)
    clock.advance(seconds=9)
    tell(app)
    assert rows(app) == before
    clock.advance(seconds=2)
    tell(app)
    assert rows(app) != before
