"""The signing keys at one moment: read from their rows, opened and parsed once, never changed."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import sqlalchemy as sa
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from app.models import SigningKey
from app.services.foundation.environment import Database
from app.services.foundation.sealing import Sealer, Unopenable
from app.services.foundation.statements import Statement

Key = RSAKey | ECKey | OKPKey | OctKey
States = frozenset[tuple[str, str, str]]
PRIVATE = ("current", "next")
"""States in which a key has a private half, which is destroyed when it signs no more."""
PUBLISHED = (*PRIVATE, "previous")
_KINDS: dict[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_TABLE = cast(sa.Table, SigningKey.__table__)
_STATES = Statement(sa.select(_TABLE.c.kid, _TABLE.c.algorithm, _TABLE.c.status).where(_TABLE.c.status != "retired"))
_ROWS = Statement(
    sa.select(
        _TABLE.c.kid,
        _TABLE.c.algorithm,
        _TABLE.c.status,
        # As text: a damaged row is to be named, and not to stop the reading of the others.
        sa.cast(_TABLE.c.public_jwk, sa.Text).label("public_text"),
        _TABLE.c.private_sealed,
    )
    .where(_TABLE.c.status != "retired")
    .order_by(_TABLE.c.created_at)
)


class Damaged(Exception):
    """What should be a key is none, or another one than its id says."""


@dataclass(frozen=True)
class Ring:
    """The keys that are good for something.

    ``signing`` has the current key of each algorithm, ``verifying`` the published ones by id, ``hinting`` these and
    those by which only ID tokens are still recognised. ``problems`` has one line for each key that cannot do what its
    state says. ``parsed`` has the keys by the text they were made of.
    """

    states: States = frozenset()
    signing: dict[str, Key] = field(default_factory=dict)
    verifying: dict[str, Key] = field(default_factory=dict)
    hinting: dict[str, Key] = field(default_factory=dict)
    algorithms: dict[str, str] = field(default_factory=dict)
    published: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    parsed: dict[str, Key] = field(default_factory=dict)


def current_states(db: Database) -> States:
    """Which keys there are; the same for as long as none is added or changes its state."""
    return frozenset((row.kid, row.algorithm, row.status) for row in _STATES.all(db))


def load(db: Database, sealer: Sealer, known: Mapping[str, Key]) -> Ring:
    """All keys but the retired ones; those whose text is ``known`` are not parsed again, which takes 50 ms for RSA.

    Plain reads, which wait for no writer: whoever holds the write lock may be waiting for this very ring.
    """
    rows = _ROWS.all(db)
    ring = Ring(frozenset((row.kid, row.algorithm, row.status) for row in rows))
    for row in rows:
        name = f"The {row.status} {row.algorithm} key {row.kid}"
        try:
            _put(ring, row, sealer, known)
        except Unopenable:
            ring.problems.append(
                f"{name} does not open: ENCRYPTION_KEYS lacks what it was sealed with, or its row is damaged."
            )
        except Damaged:
            ring.problems.append(f"{name} cannot be read: its row is damaged.")
    return ring


def opened(sealer: Sealer, kid: str, sealed: str) -> Key:
    """The private key of that id; raises :class:`Unopenable` or :class:`Damaged`."""
    return _parsed(kid, sealer.open(sealed))


def _put(ring: Ring, row: Any, sealer: Sealer, known: Mapping[str, Key]) -> None:
    public = ring.parsed[row.public_text] = known.get(row.public_text) or _parsed(row.kid, row.public_text)
    ring.algorithms[row.kid] = row.algorithm
    ring.hinting[row.kid] = public
    if row.status in PUBLISHED:
        ring.verifying[row.kid] = public
        ring.published.append(json.loads(row.public_text))
    if row.status in PRIVATE:
        private = known.get(row.private_sealed) or opened(sealer, row.kid, row.private_sealed)
        ring.parsed[row.private_sealed] = private
        if row.status == "current":
            ring.signing[row.algorithm] = private


def _parsed(kid: str, text: str | bytes) -> Key:
    """The key in a JWK, if it is the one of that id (:rfc:`7638`)."""
    try:
        values = json.loads(text)
        key = cast(Callable[[Any], Key], _KINDS[values["kty"]].import_key)(values)
        is_the_one = key.thumbprint() == kid
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        raise Damaged from None
    if not is_the_one:
        raise Damaged
    return key
