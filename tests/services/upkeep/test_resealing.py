"""``keys reseal``: all that an older encryption key sealed is sealed anew, so that the older one may go."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from flask import Flask

from app.models import Base
from app.services.foundation.sealing import Sealer
from app.services.upkeep import resealing
from tests.cli.test_commands import run
from tests.clock import Clock
from tests.relying_party import RelyingParty, add_client, add_person, log_in

MakeApp = Callable[..., Flask]
NEW = Fernet.generate_key().decode()
LIFE = timedelta(days=1)


@pytest.fixture
def nodes(database_url: str, make_app: MakeApp) -> tuple[Flask, Flask, Flask]:
    """One portal with the old key, one with the new and the old, one with the new alone."""
    old = make_app(database_url)
    key = old.extensions["services"].settings.secrets.encryption_keys[0]
    add_person(old)
    add_client(old, "spa")
    queue(old, 5)
    return old, make_app(database_url, ENCRYPTION_KEYS=f"{NEW},{key}"), make_app(database_url, ENCRYPTION_KEYS=NEW)


def queue(app: Flask, many: int) -> None:
    with app.app_context():
        services = app.extensions["services"]
        for number in range(many):
            services.outbox.add("mail", {"number": number}, life=LIFE)
        services.db.commit()


def sealed(app: Flask) -> list[str]:
    """Every sealed text there is."""
    with app.app_context():
        session = app.extensions["services"].db.session
        return [
            text
            for name, column in resealing.SEALED.values()
            for text in session.scalars(sa.select(column).where(column != "").order_by(name))
        ]


def counts(app: Flask) -> dict[str, dict[str, Any]]:
    return {row["kind"]: row for row in json.loads(run(app, "keys", "reseal", "--json"))}


def test_after_it_the_new_key_alone_opens_everything(nodes: tuple[Flask, Flask, Flask]) -> None:
    old, both, new = nodes
    waiting = 5
    assert new.test_client().get("/ready").status_code == 503
    found = counts(both)
    assert found["signing keys"] == {"kind": "signing keys", "anew": 4, "same": 0, "unopenable": 0}
    assert found["deliveries"]["anew"] >= waiting
    sealer = Sealer([NEW])
    assert all(sealer.is_newest(text) for text in sealed(both))
    new.extensions["services"].keys._forget()  # in at most two seconds by itself
    assert new.test_client().get("/ready").status_code == 200
    browser = new.test_client()
    log_in(browser)
    assert RelyingParty(browser, "spa").tokens()["access_token"]
    with new.app_context():
        services = new.extensions["services"]
        claimed = services.outbox.claim(["mail"], 100)
        assert {due.content.get("number") for due in claimed} >= set(range(waiting))
    with old.app_context():
        audit = (
            old.extensions["services"]
            .db.session.execute(sa.text("SELECT actor, details FROM oauth_audit_logs WHERE action = 'key:resealed'"))
            .one()
        )
    assert audit.actor == "operator"
    assert "unopenable" in str(audit.details)


def test_begun_again_it_goes_on_where_it_was(
    nodes: tuple[Flask, Flask, Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, both, _ = nodes
    queue(old, 12)
    total = len(sealed(old))
    monkeypatch.setattr(resealing, "BATCH", 3)
    anew, opened = Sealer.sealed_anew, []

    def interrupted(sealer: Sealer, text: str) -> str:
        opened.append(text)
        if len(opened) == 8:
            raise KeyboardInterrupt
        return anew(sealer, text)

    monkeypatch.setattr(Sealer, "sealed_anew", interrupted)
    assert both.test_cli_runner().invoke(args=["keys", "reseal"]).exit_code != 0
    monkeypatch.setattr(Sealer, "sealed_anew", anew)
    done = [text for text in sealed(both) if Sealer([NEW]).is_newest(text)]
    # Four keys are two batches, then one whole batch of deliveries.
    assert len(done) == 7
    found = counts(both)
    assert sum(row["same"] for row in found.values()) == 7
    assert sum(row["anew"] for row in found.values()) == total - 7
    assert sum(row["anew"] for row in counts(both).values()) == 0


def test_it_waits_until_every_node_seals_with_the_new_key(nodes: tuple[Flask, Flask, Flask], clock: Clock) -> None:
    old, both, _ = nodes
    before = sealed(old)
    with old.app_context():
        old.extensions["services"].agreement.tell()
    assert "does not seal with the first of these ENCRYPTION_KEYS" in run(both, "keys", "reseal", fails=True)
    assert sealed(old) == before
    clock.advance(seconds=31)
    with both.app_context():
        both.extensions["services"].agreement.tell()
    assert "no other one is needed" in run(both, "keys", "reseal")


def test_what_does_not_open_is_counted_and_left_alone(nodes: tuple[Flask, Flask, Flask], make_app: MakeApp) -> None:
    old, both, _ = nodes
    foreign = Sealer([Fernet.generate_key().decode()]).seal(b"{}")
    with old.app_context():
        session = old.extensions["services"].db.session
        first = session.scalar(sa.text("SELECT min(id) FROM deliveries"))
        session.execute(sa.text("UPDATE deliveries SET sealed = :text WHERE id = :id"), {"text": foreign, "id": first})
        session.commit()
    told = run(both, "keys", "reseal", fails=True)
    assert "unopenable" in told
    assert foreign in sealed(both)
    assert sum(not Sealer([NEW]).is_newest(text) for text in sealed(both)) == 1


def test_what_changes_meanwhile_is_not_undone(
    nodes: tuple[Flask, Flask, Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A delivery arrives, and a key is withdrawn, between the reading of a row and its writing."""
    _, both, _ = nodes
    services, anew = both.extensions["services"], Sealer.sealed_anew

    def meanwhile(sealer: Sealer, text: str) -> str:
        for name, column in resealing.SEALED.values():
            services.db.session.execute(sa.update(name.table).where(column == text).values({column.name: ""}))
        return anew(sealer, text)

    monkeypatch.setattr(Sealer, "sealed_anew", meanwhile)
    assert sum(row["anew"] for row in counts(both).values()) == 0
    assert sealed(both) == []


def test_every_sealed_column_is_among_those_it_knows() -> None:
    """Successors are sealed with the token they replace, which no key of the portal opens."""
    columns = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if "sealed" in column.name
    }
    known = {f"{column.table.name}.{column.name}" for _, column in resealing.SEALED.values()}
    assert columns == known | {"refresh_tokens.sealed_successor"}
