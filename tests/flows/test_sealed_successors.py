"""What lies in the database and beside it opens no successor; only the token that was presented does (SPEC 2.2)."""

import base64
import binascii
import hashlib
import itertools
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Flask

from tests.clock import Clock
from tests.relying_party import RelyingParty, add_client, add_person, log_in

Row = dict[str, object]


@pytest.fixture
def database_path(open_database: Callable[..., str]) -> Path:
    return Path(open_database().removeprefix("sqlite:///"))


@pytest.fixture
def app(make_app: Callable[..., Flask], database_path: Path) -> Flask:
    return make_app(f"sqlite:///{database_path}")


@pytest.fixture
def spa(app: Flask) -> RelyingParty:
    add_person(app)
    add_client(app, "spa")
    browser = app.test_client()
    assert log_in(browser).status_code == 303
    return RelyingParty(browser, "spa")


def values_of(path: Path) -> Iterator[object]:
    """Every value of every table of a SQLite file."""
    with closing(sqlite3.connect(path)) as database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in database.execute(f'SELECT * FROM "{table}"').fetchall():  # noqa: S608
                yield from row


def generations_of(path: Path) -> list[Row]:
    """The rows of ``refresh_tokens``."""
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute("SELECT * FROM refresh_tokens ORDER BY family_id, created_at")]


def row_of(path: Path, token: str) -> Row:
    """The row of a token."""
    token_hash = hashlib.sha256(token.encode()).hexdigest()
    (row,) = [row for row in generations_of(path) if row["token_hash"] == token_hash]
    return row


def materials(values: Iterable[object]) -> set[bytes]:
    """All that could be taken for a key or a token in stored values: as they are, decoded, hashed."""
    plain = {value if isinstance(value, bytes) else str(value).encode() for value in values if value is not None}
    plain |= set(itertools.chain.from_iterable(value.replace(b"\n", b" ").split() for value in plain))
    decoded = {found for value in plain for found in _decoded(value)}
    return {*plain, *decoded, *(hashlib.sha256(value).digest() for value in plain), b"", bytes(32)}


def _decoded(value: bytes) -> Iterator[bytes]:
    for decode in (binascii.unhexlify, base64.b64decode, base64.urlsafe_b64decode):
        try:
            yield decode(value + b"=" * (-len(value) % 4) if decode is not binascii.unhexlify else value)
        except ValueError:
            continue


def opened(sealed: str, material: bytes) -> bytes | None:
    """What a sealed value holds, if the material opens it: as a token, as a key, or as a Fernet key."""
    box = base64.b64decode(sealed)
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"refresh successor").derive(material)
    for key in {derived, *([material] if len(material) in {16, 24, 32} else [])}:
        # The nonce is fixed, or would stand in front.
        for nonce, text in ((bytes(12), box), (box[:12], box[12:])):
            try:
                return AESGCM(key).decrypt(nonce, text, b"")
            except InvalidTag:
                continue
    try:
        return Fernet(base64.urlsafe_b64encode(material) if len(material) == 32 else material).decrypt(sealed)
    except (InvalidToken, ValueError):
        return None


def use_up(spa: RelyingParty, clock: Clock) -> list[tuple[str, str]]:
    """Families in every state; gives pairs of a token and its successor."""
    pairs = []
    for repeats, goes_on, seconds in ((0, False, 0), (1, False, 3), (2, True, 0), (3, False, 0), (0, True, 60)):
        old = spa.tokens()["refresh_token"]
        new = spa.refresh(old).json["refresh_token"]
        for _ in range(repeats):
            spa.refresh(old)
        pairs.append((old, new))
        if goes_on:
            pairs.append((new, spa.refresh(new).json["refresh_token"]))
        clock.advance(seconds=seconds)
    return pairs


def test_nothing_that_is_stored_opens_a_successor(
    spa: RelyingParty, clock: Clock, database_path: Path, instance: Path
) -> None:
    pairs = use_up(spa, clock)
    sealed = {pair: str(box) for pair in pairs if (box := row_of(database_path, pair[0])["sealed_successor"])}
    assert len(sealed) >= 5
    # The lock and the key of this test are the portal's: the presented token opens its own, and no other one.
    for (old, new), box in sealed.items():
        assert opened(box, old.encode()) == new.encode()
        others = {token for pair in pairs for token in pair} - {old}
        assert [token for token in others if opened(box, token.encode())] == []

    stored = materials([*values_of(database_path), *values_of(instance / "store.db")])
    keys = materials((instance / name).read_text() for name in ("secret_key", "encryption_key"))
    assert len(stored) > 500
    for box in sealed.values():
        assert [material for material in stored | keys if opened(box, material)] == []


def test_the_end_of_a_family_takes_its_sealed_successors_along(
    spa: RelyingParty, clock: Clock, database_path: Path
) -> None:
    old = spa.tokens()["refresh_token"]
    spa.refresh(old)
    assert row_of(database_path, old)["sealed_successor"]
    clock.advance(seconds=11)
    assert spa.refresh(old).json["error"] == "invalid_grant"
    assert row_of(database_path, old)["sealed_successor"] is None


def test_an_old_token_and_a_copy_of_the_database_do_not_lead_to_the_living_token(
    spa: RelyingParty, clock: Clock, database_path: Path
) -> None:
    """What was rotated away long ago opens nothing any more: a successor is kept for repeats, which its use ends."""
    token = first = spa.tokens()["refresh_token"]
    for _ in range(3):
        clock.advance(minutes=50)
        token = spa.refresh(token).json["refresh_token"]
    clock.advance(minutes=50)
    reached: str | None = first
    chain = []
    while reached is not None:
        chain.append(reached)
        box = row_of(database_path, reached)["sealed_successor"]
        found = opened(str(box), reached.encode()) if box else None
        reached = found.decode() if found else None
    assert token not in chain
