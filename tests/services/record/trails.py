"""A trail with something of everything, what can be done to it, and who judges it."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask

from app.models import AuditChain, AuditCheckpoint, AuditKey, AuditLog, AuditSeal, new_id
from app.services.foundation.environment import Caller
from app.services.record import forms
from app.services.record.audit import Event
from app.services.record.checkpoints import _base64
from app.services.record.verification import Report
from tests.clock import Clock
from tests.relying_party import add_person
from tools import verify_audit

MODELS = (AuditLog, AuditSeal, AuditChain, AuditCheckpoint, AuditKey)
TABLES: dict[str, Any] = {each.__tablename__: each.__table__ for each in MODELS}
LOG, SEAL, CHAIN, CHECKPOINT, KEY = TABLES
NASTY = "curl/8\r\n2026 \x1b[31mroot\x9b1m \u202etxt.exe"
Rows = dict[str, list[dict[str, Any]]]


class Stage:
    """A portal with a sealed trail; whatever is done to it can be taken back."""

    def __init__(self, app: Flask, clock: Clock) -> None:
        self.app, self.clock = app, clock
        self.services = app.extensions["services"]
        self.bob = add_person(app, "bob@example.com")
        self.ada = add_person(app, "ada2@example.com")
        self.before: dict[str, dict[str, Any]] = {}
        with app.app_context():
            self._tell()
        self.kept = self.rows()
        self.log = {row["id"]: row for row in self.kept[LOG]}
        self.seals = sorted(self.kept[SEAL], key=lambda row: row["sequence"])
        self.last = self.seals[-1]["sequence"]
        with app.app_context():
            self.keys = forms.known_keys(self.services.checkpoints.public_keys())
            self.checkpoints = self.services.checkpoints.latest()

    def _tell(self) -> None:
        services, clock = self.services, self.clock
        ada, bob = Caller("203.0.113.7", "Firefox/130", self.ada), Caller("2001:db8::1", "Safari/17", self.bob)
        self.seal()
        for number in range(4):
            services.audit.record(Event.LOGIN_SUCCEEDED, bob, user_id=self.bob, client_id="maxlab", number=number)
            services.audit.record(Event.LOGIN_FAILED, ada, user_id=self.ada, error="wrong_credentials", text="가나=1")
        services.audit.record(Event.CLIENT_CREATED, Caller("::1", "=cmd()", "+ada"), client_id="late", many=-5, no=None)
        services.audit.record(Event.CLIENT_CHANGED, Caller(actor="operator"), client_id="=HYPERLINK(1)", name=NASTY)
        services.db.commit()
        self.seal()
        self.before = {row["id"]: row for row in self.rows()[LOG]}
        self.salts = {row["record_id"]: row["salt"] for row in self.rows()[SEAL]}
        clock.advance(minutes=20)
        services.deletions.delete(self.ada, Caller(actor="operator"))
        services.audit.record(Event.LOGIN_SUCCEEDED, bob, user_id=self.bob)
        services.db.commit()
        self.seal()
        services.checkpoints.rotate(Caller(actor="operator"))
        services.audit.record(Event.SERVICE_TOKEN_ISSUED, Caller("10.0.0.1"), client_id="maxplatform-service")
        services.db.commit()
        clock.advance(minutes=20)
        self.seal()

    def seal(self) -> None:
        """What the chores do."""
        self.services.chain.run_to_the_end()
        self.services.checkpoints.make()

    def rows(self) -> Rows:
        """All there is."""
        with self.app.app_context():
            connection = self.services.db.session
            return {
                name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
                for name, table in TABLES.items()
            }

    def restore(self) -> None:
        """Take back what was done."""
        self.put(self.kept)

    def put(self, rows: Rows) -> None:
        """Have just these."""
        with self.app.app_context():
            session = self.services.db.session
            for name, table in TABLES.items():
                session.execute(sa.delete(table))
                if rows[name]:
                    session.execute(sa.insert(table), rows[name])
            session.commit()

    def of(self, person: str, *, which: int = 0) -> dict[str, Any]:
        """A seal of a record of somebody."""
        return [seal for seal in self.seals if self.log[seal["record_id"]]["user_id"] == person][which]

    def in_place(self, pinned: Any = None, kept: Sequence[Any] = ()) -> Report:
        """What ``flask audit verify`` finds."""
        with self.app.app_context():
            return self.services.trail.verify(pinned, kept)[0]

    def items(self) -> list[dict[str, Any]]:
        """What would be exported, as things are."""
        with self.app.app_context():
            return deepcopy(list(self.services.trail.export()))


def of_lines(items: Iterable[Any], pinned: Any = None, kept: Sequence[Any] = ()) -> Report:
    """What the auditor's program finds in JSON lines."""
    return verify_audit.verified(io.StringIO("".join(f"{json.dumps(item)}\n" for item in items)), pinned, kept)


def of_csv(items: Iterable[Any], pinned: Any = None, kept: Sequence[Any] = ()) -> Report:
    """The same in CSV."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(forms.COLUMNS)
    writer.writerows(forms.cells_of(item) for item in items)
    return verify_audit.verified(file, pinned, kept)


def hashed_anew(rows: Rows, since: int = 1) -> None:
    """What somebody does who can write the database and knows this code: every seal made again, each with its salt."""
    log = {row["id"]: row for row in rows[LOG]}
    seals = sorted(rows[SEAL], key=lambda row: row["sequence"])
    previous = next((seal["hash"] for seal in seals if seal["sequence"] == since - 1), forms.BEGINNING)
    for seal in seals:
        if seal["sequence"] >= since and seal["record_id"] in log:
            item = as_item(log[seal["record_id"]], seal)
            if seal["salt"]:
                seal["personal_hash"] = item["personal_hash"] = forms.personal_hash_of(item)
            previous = seal["hash"] = forms.hash_of(item, previous)
    rows[CHAIN][0].update(sequence=seals[-1]["sequence"], hash=previous)


def as_item(row: dict[str, Any], seal: dict[str, Any]) -> dict[str, Any]:
    """A record with its seal, in the form of the document."""
    times = {"created_at": row["created_at"], "added_at": seal["added_at"]}
    told = {name: time.isoformat("T", "microseconds").replace("+00:00", "Z") for name, time in times.items()}
    return {**row, **{name: seal[name] for name in ("sequence", "salt", "personal_hash", "hash")}, **told}


def signed_anew(rows: Rows, key: Ed25519PrivateKey) -> None:
    """All checkpoints made again with a key of the attacker's own, which is put beside the genuine ones."""
    public = _base64(key.public_key().public_bytes_raw())
    kid = forms.kid_of(public)
    hashes = {seal["sequence"]: seal["hash"] for seal in rows[SEAL]}
    previous = forms.BEGINNING
    kept = [row for row in sorted(rows[CHECKPOINT], key=lambda row: row["number"]) if row["sequence"] in hashes]
    for number, row in enumerate(kept, 1):
        time = row["signed_at"].isoformat("T", "microseconds").replace("+00:00", "Z")
        row.update(number=number, hash=hashes[row["sequence"]], kid=kid, successor="", previous=previous)
        text = forms.signed_text({**row, "signed_at": time})
        row["signature"] = _base64(key.sign(text))
        previous = hashlib.sha256(text).hexdigest()
    rows[CHECKPOINT] = kept
    genuine = {**rows[KEY][0], "status": "previous"}
    rows[KEY].append({**genuine, "kid": kid, "public_key": public, "private_sealed": ""})


def added(rows: Rows, like: dict[str, Any], sequence: int, **changes: Any) -> None:
    """A record nobody made, with a seal of its own at a place that must be free."""
    record = {**like, **changes, "id": new_id()}
    rows[LOG].append(record)
    seal = {**rows[SEAL][0], "sequence": sequence, "record_id": record["id"], "salt": "ab" * 16}
    seal["personal_hash"] = forms.personal_hash_of(as_item(record, seal))
    previous = {each["sequence"]: each["hash"] for each in rows[SEAL]}[sequence - 1]
    seal["hash"] = forms.hash_of(as_item(record, seal), previous)
    rows[SEAL].append(seal)
