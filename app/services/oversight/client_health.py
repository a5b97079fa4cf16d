"""How a client fares: what succeeded and failed lately, what of its registration nobody uses, and what to change.

All of it is read from rows that are few: how often what happened by the hour (:mod:`app.services.record.usage`), and
the client's own. Where counting has not gone on long enough to say that something is unused, that is not said.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.errors import sentence
from app.models import Consent, TokenFamily, UsageHour, UserSession
from app.services.clients.clients import ClientRecord, Clients
from app.services.clients.secrets import SecretDescription
from app.services.foundation.environment import Clock, Database, sha256
from app.services.record.usage import BEGAN, Usage, Use, parts
from app.services.revocation.families import is_living
from app.services.sessions.policy import SessionPolicy

SPANS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
UNUSED_AFTER = SPANS["30d"]
SKEW = timedelta(minutes=2)
OLD_SECRET = timedelta(days=365)
_usage = cast(sa.Table, UsageHour.__table__)
_consent = cast(sa.Table, Consent.__table__)
_family = cast(sa.Table, TokenFamily.__table__)
_session = cast(sa.Table, UserSession.__table__)
RECOMMENDATIONS = {
    "unused_scopes": sentence("Nobody asked for these scopes in 30 days. Take away what is not needed."),
    "unused_grants": sentence("No token was issued by these grants in 30 days. Take away what is not needed."),
    "unused_redirect_uris": sentence("No login led to these addresses in 30 days. Take away what is not needed."),
    "unused_client": sentence("The application got no token in 30 days. Disable it if nobody needs it any more."),
    "old_secret": sentence("The secret is older than a year. Rotate it, with an overlap in which both count."),
    "secret_ends": sentence("A secret ends within 30 days. See that the new one is rolled out before."),
    "in_development": sentence("Its error pages show anybody what is registered. Turn that off when it is in use."),
    "failing": sentence("Most requests of the last day were refused. See the causes."),
}
"""What to do, by code."""


@dataclass(frozen=True, slots=True)
class Failures:
    """How often something was refused: by which endpoint, with which error, by which check or topic."""

    endpoint: str
    error: str
    cause: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Span:
    """What happened in some time before now: tokens by grant, refusals, and answers that are no mistake, by error."""

    issued: dict[str, int] = field(default_factory=dict)
    failures: tuple[Failures, ...] = ()
    declined: dict[str, int] = field(default_factory=dict)

    @property
    def successes(self) -> int:
        """How often tokens were issued."""
        return sum(self.issued.values())

    @property
    def failed(self) -> int:
        """How often something was refused."""
        return sum(each.count for each in self.failures)


@dataclass(frozen=True, slots=True)
class LastUse:
    """When something that is registered was used last, None where that is not known to have happened."""

    name: str
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What to do, and what it would change: values to be taken from lists by their columns, or a command."""

    code: str
    sentence: str
    remove: dict[str, list[str]] = field(default_factory=dict)
    change: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Health:
    """All of it at one moment; ``counted_since`` is None where nothing was counted yet.

    ``key_fetches`` says when the client's own keys were last read where it publishes them, and when they last could not
    be, by why; the latest first.
    """

    client_id: str
    at: datetime
    counted_since: datetime | None
    is_known_long_enough: bool
    last_success: LastUse | None
    last_failure: Failures | None
    spans: dict[str, Span]
    scopes: tuple[LastUse, ...]
    grants: tuple[LastUse, ...]
    redirect_uris: tuple[LastUse, ...]
    secrets: tuple[SecretDescription, ...]
    key_fetches: tuple[LastUse, ...]
    consents: int
    living_grants: int
    open_sessions: int
    recommendations: tuple[Recommendation, ...]


class ClientHealth:
    """Looks after clients."""

    def __init__(self, db: Database, clock: Clock, clients: Clients, usage: Usage, policy: SessionPolicy) -> None:
        self.db = db
        self.clock = clock
        self.clients = clients
        self.usage = usage
        self.policy = policy

    def of(self, client_id: str) -> Health:
        """How that client fares; raises :class:`NotFound`."""
        client, now, since = self.clients.get(client_id), self.clock(), self.usage.since()
        rows = self._rows(client, now)
        # What an older client of the same id did is not this one's.
        began = max(since, client.created_at) if since else None
        is_long = began is not None and began <= now - UNUSED_AFTER
        scopes = _last_uses(client.allowed_scopes, rows, Use.SCOPE)
        grants = _last_uses(client.grant_types, rows, Use.TOKEN)
        addresses = _last_uses(client.redirect_uris, rows, Use.REDIRECT, named=sha256)
        secrets = tuple(self.clients.secrets_of(client_id))
        spans = {name: _span(rows, name) for name in SPANS}
        failures = sorted(spans["30d"].failures, key=lambda each: each.last_at)
        successes = sorted((each for each in grants if each.last_at), key=lambda each: each.last_at or now)
        unused = {"scopes": scopes, "grants": grants, "redirect_uris": addresses} if is_long else {}
        return Health(
            client_id=client_id,
            at=now,
            counted_since=began,
            is_known_long_enough=is_long,
            last_success=successes[-1] if successes else None,
            last_failure=failures[-1] if failures else None,
            spans=spans,
            scopes=scopes,
            grants=grants,
            redirect_uris=addresses,
            secrets=secrets,
            key_fetches=_key_fetches(rows),
            **self._held(client_id, now),
            recommendations=tuple(_recommendations(client, now, spans, secrets, unused)),
        )

    def held(self, client_id: str) -> dict[str, int]:
        """How many ``consents`` there are, ``living_grants`` for people, and ``open_sessions`` that these are of."""
        return self._held(client_id, self.clock())

    def _rows(self, client: ClientRecord, now: datetime) -> list[Any]:
        """What was counted of the client, by kind and name: how often within each span, and when last."""

        def within(span: timedelta) -> Any:
            return sa.func.sum(sa.case((_usage.c.hour > now - span, _usage.c.count), else_=0))

        of_client = (
            sa.select(
                _usage.c.kind,
                _usage.c.name,
                *(within(span).label(name) for name, span in SPANS.items()),
                sa.func.max(_usage.c.last_at).label("last_at"),
            )
            .where(
                _usage.c.client_id == client.client_id,
                _usage.c.hour > max(now - UNUSED_AFTER, BEGAN),
                # Another host, whose clock may be behind, may have written what a client of the same id did before.
                _usage.c.last_at >= client.created_at - SKEW,
            )
            .group_by(_usage.c.kind, _usage.c.name)
        )
        return list(self.db.session.execute(of_client))

    def _held(self, client_id: str, now: datetime) -> dict[str, int]:
        """How many consents there are, what is held for people, and in how many sessions that are open."""
        given = sa.select(sa.func.count()).where(_consent.c.client_id == client_id, _consent.c.withdrawn_at.is_(None))
        living = sa.and_(_family.c.client_id == client_id, is_living(now))
        grants = sa.select(sa.func.count()).select_from(_family).where(living)
        sessions = (
            sa.select(sa.func.count(_family.c.session_id.distinct()))
            .join(_session, _session.c.id == _family.c.session_id)
            .where(living, self.policy.open_rows(now))
        )
        named = {"consents": given, "living_grants": grants, "open_sessions": sessions}
        return {name: int(self.db.session.scalar(query) or 0) for name, query in named.items()}


def _last_uses(
    registered: Iterable[str], rows: list[Any], use: Use, named: Any = lambda name: name
) -> tuple[LastUse, ...]:
    seen = {row.name: row.last_at for row in rows if row.kind == use.value}
    return tuple(LastUse(each, seen.get(named(each))) for each in registered)


def _key_fetches(rows: list[Any]) -> tuple[LastUse, ...]:
    found = (LastUse(row.name, row.last_at) for row in rows if row.kind == Use.KEYS.value)
    return tuple(sorted(found, key=lambda each: each.last_at or BEGAN, reverse=True))


def _span(rows: list[Any], span: str) -> Span:
    def counts(use: Use) -> dict[str, int]:
        found = {row.name: int(row._mapping[span] or 0) for row in rows if row.kind == use.value}
        return {name: count for name, count in sorted(found.items()) if count}

    latest = {row.name: row.last_at for row in rows if row.kind == Use.REFUSAL.value}
    failures = (
        Failures(*parts(name), count, latest[name])
        for name, count in sorted(counts(Use.REFUSAL).items(), key=lambda each: (-each[1], each[0]))
    )
    return Span(counts(Use.TOKEN), tuple(failures), counts(Use.DECLINED))


def _recommendations(
    client: ClientRecord,
    now: datetime,
    spans: dict[str, Span],
    secrets: Iterable[SecretDescription],
    unused: dict[str, tuple[LastUse, ...]],
) -> Iterator[Recommendation]:
    last_day = spans["24h"]
    if last_day.failed > last_day.successes:
        yield _recommended("failing")
    if unused and not any(each.last_at for each in unused["grants"]) and client.is_active:
        yield _recommended("unused_client", change={"is_active": False})
    elif unused:
        yield from _unused(unused)
    for secret in secrets:
        if secret.expires_at and secret.expires_at <= now + UNUSED_AFTER:
            yield _recommended("secret_ends")
        elif secret.expires_at is None and secret.created_at <= now - OLD_SECRET:
            yield _recommended("old_secret")
    if client.in_development:
        yield _recommended("in_development", change={"in_development": False})


def _unused(unused: dict[str, tuple[LastUse, ...]]) -> Iterator[Recommendation]:
    columns = {"scopes": "allowed_scopes", "grants": "grant_types", "redirect_uris": "redirect_uris"}
    for kind, each in unused.items():
        names = [one.name for one in each if one.last_at is None]
        # Of what a client cannot be without, one stays.
        if names and (len(names) < len(each) or kind == "scopes"):
            yield _recommended(f"unused_{kind}", remove={columns[kind]: names})


def _recommended(code: str, **what: Any) -> Recommendation:
    return Recommendation(code, RECOMMENDATIONS[code], **what)
