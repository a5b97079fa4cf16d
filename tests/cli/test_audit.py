"""``flask audit``: what auditors get, and that it is on record."""

import csv
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from flask import Flask

from app.services.foundation.environment import Caller
from app.services.record.audit import Event
from tests.account.browsing import Facts
from tests.cli.test_commands import run
from tests.clock import Clock
from tests.relying_party import EMAIL, add_person
from tests.servers import PROJECT_ROOT, unrestricted
from tests.services.record.trails import NASTY

MakeApp = Callable[..., Flask]
PROGRAM = str(PROJECT_ROOT / "tools/verify_audit.py")


@pytest.fixture
def app(make_app: MakeApp, database_url: str) -> Flask:
    """A portal with somebody, and things that should stay text."""
    app = make_app(unrestricted(database_url))
    ada = add_person(app)
    with app.app_context():
        services = app.extensions["services"]
        services.audit.record(Event.LOGIN_SUCCEEDED, Caller("203.0.113.7", "curl/8"), user_id=ada, client_id="maxlab")
        services.audit.record(Event.LOGIN_FAILED, Caller("203.0.113.7", "curl/8"), user_id=ada, error="wrong")
        services.audit.record(Event.CLIENT_CREATED, Caller(actor=NASTY), client_id=NASTY, name=NASTY, formula="=1+1")
        services.db.commit()
    return app


def listed(app: Flask, *arguments: str) -> list[dict[str, Any]]:
    return list(json.loads(run(app, "audit", "list", "--json", *arguments)))


def verified(*arguments: str) -> tuple[int, str]:
    """The auditor's program, as an auditor runs it: without the portal."""
    done = subprocess.run([sys.executable, "-I", PROGRAM, *arguments], capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


def test_filters(app: Flask, clock: Clock) -> None:
    assert {row["action"] for row in listed(app, "--user", EMAIL, "--action", "account:login:failed")} == {
        Event.LOGIN_FAILED
    }
    assert [row["error_code"] for row in listed(app, "--failure")] == ["wrong"]
    assert [row["client_id"] for row in listed(app, "--client", "maxlab", "--action", "account:")] == ["maxlab"]
    assert listed(app, "--action", "account:login") == []
    assert len(listed(app, "--success", "--limit", "2")) == 2
    before = clock().isoformat()
    clock.advance(hours=1)
    run(app, "keys", "rotate")
    assert {row["action"] for row in listed(app, "--since", clock().isoformat(), "--action", "key:")} == {
        Event.KEY_CREATED,
        Event.KEY_ROTATED,
    }
    assert Event.KEY_ROTATED not in {row["action"] for row in listed(app, "--until", before)}
    assert "Write it like" in run(app, "audit", "list", "--since", "yesterday", fails=True)
    assert listed(app, "--user", "nobody@example.com") == []


RECORDED = "SELECT actor, user_id, details FROM oauth_audit_logs WHERE action = :name"


def test_reading_and_exporting_are_on_record_and_no_activity_of_anybody(app: Flask, tmp_path: Path) -> None:
    run(app, "audit", "export")  # that there is a key, which is on record, too
    facts = Facts(app)
    user_id = facts.one("SELECT id FROM users WHERE email = :email", email=EMAIL)
    listed(app, "--user", EMAIL, "--failure", "--limit", "7")
    run(app, "audit", "export", "--format", "csv", "--output", str(tmp_path / "trail.csv"))
    read, exported = (
        next(row for row in facts.all(RECORDED, name=name) if "csv" in str(row.details) or name == "audit:read")
        for name in ("audit:read", "audit:exported")
    )
    assert (read.actor, read.user_id, exported.actor, exported.user_id) == ("operator", None, "operator", None)
    details = read.details if isinstance(read.details, dict) else json.loads(read.details)
    assert details == {"user": user_id, "success": False, "limit": 7, "count": 1}
    details = exported.details if isinstance(exported.details, dict) else json.loads(exported.details)
    with open(tmp_path / "trail.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "row"]
    assert details == {"form": "csv", "count": len(rows) - 1}
    # It holds the record of itself, as the last one.
    assert rows[-1]["action"] == "audit:exported"


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_is_verified_without_the_portal(app: Flask, tmp_path: Path, form: str) -> None:
    path, keys, kept = tmp_path / f"trail.{form}", tmp_path / "keys.json", tmp_path / "kept.json"
    run(app, "audit", "export", "--format", form, "--output", str(path))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert "The file cannot be made" in run(app, "audit", "export", "--output", str(path), fails=True)
    browser = app.test_client()
    keys.write_bytes(browser.get("/.well-known/audit-keys.json").data)
    kept.write_bytes(browser.get("/.well-known/audit-checkpoints.json").data)
    code, said = verified(str(path), "--keys", str(keys), "--checkpoint", str(kept))
    assert (code, said.splitlines()[0][:6]) == (0, "WHOLE:"), said
    assert json.loads(verified(str(path), "--json")[1])["is_pinned"] is False
    text = path.read_bytes()
    assert b"\x1b" not in text
    assert b"\x9b" not in text
    assert "\u202e".encode() not in text
    lines = text.decode().splitlines()
    path.write_text("\n".join(line for line in lines if "row" not in line[:80] or "maxlab" not in line))
    if form == "jsonl":
        path.write_text("\n".join(line for line in lines if '"maxlab"' not in line))
    code, said = verified(str(path))
    assert code == 1
    assert "was removed" in said
    assert verified(str(tmp_path / "nothing"))[0] == 2
    keys.write_text("[]")
    assert verified(str(path), "--keys", str(keys))[0] == 2


def test_an_export_to_standard_output_is_the_export_alone(app: Flask) -> None:
    text = run(app, "audit", "export")
    assert {json.loads(line)["kind"] for line in text.splitlines()} == {"audit", "row", "checkpoint", "end"}
    done = subprocess.run([sys.executable, "-I", PROGRAM, "-"], input=text, capture_output=True, text=True)
    assert (done.returncode, done.stdout[:5]) == (0, "WHOLE")


def test_no_output_forges_a_line_or_speaks_to_the_terminal(app: Flask) -> None:
    """A user agent, a client's name, an actor with line breaks, ANSI sequences and marks of direction."""
    for text in (
        run(app, "audit", "list"),
        run(app, "audit", "list", "--json"),
        run(app, "audit", "export"),
        run(app, "audit", "export", "--format", "csv"),
    ):
        assert not set("\x1b\x9b\u202e") & set(text)
        assert "2026 \x1b" not in text
        assert all(not line.startswith("2026 ") for line in text.splitlines())
    rows = list(csv.reader(run(app, "audit", "export", "--format", "csv").splitlines()))
    assert all(len(row) == len(rows[0]) for row in rows)
    assert not [cell for row in rows for cell in row if cell[:1] and cell[0] in "=+-@\t\r"]


def test_verifying_in_place(app: Flask, tmp_path: Path) -> None:
    run(app, "audit", "export")
    keys = tmp_path / "keys.json"
    keys.write_bytes(app.test_client().get("/.well-known/audit-keys.json").data)
    assert "WHOLE" in run(app, "audit", "verify", "--keys", str(keys))
    Facts(app).do("UPDATE oauth_audit_logs SET success = NOT success WHERE client_id = 'maxlab'")
    said = run(app, "audit", "verify", fails=True)
    assert "was edited" in said
    assert "NOT WHOLE" in said
    report = json.loads(run(app, "audit", "verify", "--json", fails=True))
    assert (report["whole"], report["problems"]) == (False, 2)  # its registration, and a login
    run(app, "audit", "verify", "--keys", str(tmp_path), fails=True)


def test_the_key_is_rotated_and_auditors_are_led_on(app: Flask, tmp_path: Path) -> None:
    path, keys = tmp_path / "trail.jsonl", tmp_path / "keys.json"
    run(app, "audit", "export")
    keys.write_bytes(app.test_client().get("/.well-known/audit-keys.json").data)
    kid = json.loads(run(app, "audit", "rotate-key", "--json"))["kid"]
    run(app, "audit", "export", "--output", str(path))
    assert verified(str(path), "--keys", str(keys))[0] == 0
    states = {row["kid"]: row["status"] for row in json.loads(run(app, "audit", "keys", "--json"))}
    assert (states.pop(kid), list(states.values())) == ("current", ["previous"])
    assert Facts(app).one("SELECT count(*) FROM audit_keys WHERE private_sealed <> ''") == 1
    assert Facts(app).one("SELECT count(*) FROM oauth_audit_logs WHERE action = 'audit:key:rotated'") == 1


def test_a_key_that_does_not_open_is_said_and_replaced(
    app: Flask, make_app: MakeApp, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    run(app, "audit", "export")
    url = app.extensions["services"].settings.storage.database_url
    other = make_app(url, ENCRYPTION_KEYS=Fernet.generate_key().decode())
    said = run(other, "audit", "export", fails=True)
    assert "the audit key does not open" in said
    clock.advance(minutes=20)
    with other.app_context():
        assert other.extensions["services"].trail.verify()[1] == 0  # sealing needs no key
    with other.app_context():
        assert other.extensions["services"].checkpoints.run() is False
    assert "audit_key_unusable" in caplog.text
    run(other, "audit", "rotate-key")
    assert "WHOLE" in run(other, "audit", "verify")
    run(other, "audit", "export")


def test_what_is_published(app: Flask, make_app: MakeApp, clock: Clock) -> None:
    run(app, "audit", "export")
    browser = app.test_client()
    (key,) = browser.get("/.well-known/audit-keys.json").json["keys"]  # type: ignore[index]
    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg", "status", "created_at", "replaced_at"}
    answer = browser.get("/.well-known/audit-checkpoints.json")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    latest = answer.json["checkpoints"][0]  # type: ignore[index]
    told = {"issuer", "number", "sequence", "hash", "signed_at", "kid", "successor", "previous", "signature"}
    assert set(latest) == told
    url = app.extensions["services"].settings.storage.database_url
    other = make_app(url, AUDIT_PUBLIC_CHECKPOINTS="false").test_client()
    assert other.get("/.well-known/audit-checkpoints.json").status_code == 404
    assert other.get("/.well-known/audit-keys.json").status_code == 200
