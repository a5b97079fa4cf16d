"""What is read of a large platform: every list, search and filter there is, by a name."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask

from app.database import ADMINISTRATION, enter, only_reads
from app.errors import NotFound
from app.services.foundation.environment import Caller
from app.services.oversight.applications import WantedClients
from app.services.oversight.deliveries import DeliveryState, WantedDeliveries
from app.services.oversight.directory import Sort, Wanted
from app.services.oversight.grants import State, WantedDenied, WantedGrants, WantedSessions
from app.services.record.search import Filters
from benchmarks.population import RARE_IP

LIMIT = 50
OPERATOR = Caller(actor="operator")
Read = Callable[[], Any]


def lists(app: Flask) -> Iterator[tuple[str, Read]]:
    """What is measured through the services, by name."""
    services = app.extensions["services"]
    with app.app_context():
        enter(ADMINISTRATION)
        known = Known(services.db.session)
        services.db.rollback()
    for room in (of_people, of_clients, of_grants, of_deliveries, of_records, of_rights):
        yield from room(app, services, known)


class Known:
    """Rows that are asked for by name."""

    def __init__(self, session: Any) -> None:
        def one(query: str) -> Any:
            return session.execute(sa.text(query)).first()

        self.person, self.email = one("SELECT id, email FROM users WHERE username LIKE 'sol-%' LIMIT 1")
        self.subject = one("SELECT subject FROM identities LIMIT 1")[0]
        self.group, self.role = one("SELECT group_id, role_id FROM memberships WHERE NOT is_primary LIMIT 1")
        self.family_jti = one("SELECT access_jti FROM token_families LIMIT 1")[0]
        self.jti = one("SELECT jti FROM revoked_tokens LIMIT 1")[0]
        self.session = one("SELECT session_id FROM token_families WHERE session_id IS NOT NULL LIMIT 1")[0]
        self.busy, self.quiet = (
            "client-0000",
            one("SELECT max(client_id) FROM clients WHERE client_id LIKE 'client-%'")[0],
        )


def pages(app: Flask, name: str, page: Callable[..., Any], depth: int = 40) -> Iterator[tuple[str, Read]]:
    """A list's first page, one so many pages behind, and the one before that."""
    yield f"{name}", lambda: page(limit=LIMIT)
    after = None
    with app.app_context():
        enter(ADMINISTRATION)
        only_reads()
        for _ in range(depth):
            found = page(limit=200, after=after)
            if found.next is None:
                break
            after = found.next
        back = found.previous
        app.extensions["services"].db.rollback()
    if after:
        yield f"{name}, far behind", lambda: page(limit=LIMIT, after=after)
    if back:
        yield f"{name}, back from there", lambda: page(limit=LIMIT, after=back)


def of_people(app: Flask, services: Any, known: Known) -> Iterator[tuple[str, Read]]:
    """Directory."""
    directory = services.directory
    now = services.clock()
    for sort in Sort:
        yield from pages(
            app, f"people by {sort}", lambda sort=sort, **part: directory.page(Wanted(), sort=sort, **part)
        )
    wanted = {
        "search: common part of an e-mail": Wanted(search="example"),
        "search: one e-mail": Wanted(search=known.email),
        "search: part of a Korean name": Wanted(search="민서"),
        "search: the same decomposed": Wanted(search="\u1106\u1175\u11ab\u1109\u1165"),
        "search: full-width": Wanted(search="ｌｏｖｅｌ"),
        "search: nothing": Wanted(search="no such person"),
        "search: nothing, Korean": Wanted(search="뷁뷁"),
        "search: id": Wanted(search=known.person),
        "search: subject at a provider": Wanted(search=known.subject),
        "e-mail begins": Wanted(email=known.email[:8]),
        "e-mail begins: nothing": Wanted(email="zzzz"),
        "active": Wanted(is_active=True),
        "stopped": Wanted(is_active=False),
        "leaving": Wanted(is_leaving=True),
        "verified": Wanted(is_verified=True),
        "not verified": Wanted(is_verified=False),
        "administrators": Wanted(is_admin=True),
        "rare role": Wanted(role=known.role),
        "group": Wanted(group=known.group),
        "rare role in a group": Wanted(role=known.role, group=known.group),
        "no such group": Wanted(group="nobody's"),
        "common provider": Wanted(provider="kakao"),
        "rare provider": Wanted(provider="discord"),
        "no such provider": Wanted(provider="apple"),
        "rare plan": Wanted(plan="studio"),
        "common effective plan": Wanted(effective_plan="free"),
        "no effective plan": Wanted(effective_plan="enterprise"),
        "never logged in": Wanted(has_logged_in=False),
        "made in a week of long ago": Wanted(
            created_since=now - timedelta(days=807), created_until=now - timedelta(days=800)
        ),
        "logged in this hour": Wanted(login_since=now - timedelta(hours=1)),
        "several": Wanted(
            search="sol", is_active=True, is_verified=False, provider="naver", plan="pro", has_logged_in=True
        ),
        "several: nothing": Wanted(search="sol", is_admin=True, provider="discord", is_leaving=True),
    }
    for name, each in wanted.items():
        yield f"people {name}", lambda each=each: directory.page(each, limit=LIMIT)
    yield (
        "people search: nothing, by e-mail",
        lambda: directory.page(Wanted(search="no such person"), limit=LIMIT, sort=Sort.EMAIL),
    )
    yield "people count: all", lambda: directory.count(Wanted())
    yield "people count: search, nothing", lambda: directory.count(Wanted(search="no such person"))
    yield "people trace of one", lambda: services.traces.about(known.email, OPERATOR).decisions


def of_clients(app: Flask, services: Any, known: Known) -> Iterator[tuple[str, Read]]:
    """Applications."""
    applications = services.applications
    yield from pages(app, "clients", lambda **part: applications.page(WantedClients(), **part), 3)
    wanted = {
        "search: part of a redirect URI": WantedClients(search="app77"),
        "search: nothing": WantedClients(search="no such client"),
        "confidential": WantedClients(is_confidential=True),
        "first-party": WantedClients(is_first_party=True),
        "stopped": WantedClients(is_active=False),
        "in development": WantedClients(in_development=True),
        "owner": WantedClients(owner_id=known.person),
        "rare scope": WantedClients(scope="read:groups"),
        "grant": WantedClients(grant_type="client_credentials"),
        "secret ends within 7 days": WantedClients(secret_ends_within=timedelta(days=7)),
    }
    for name, each in wanted.items():
        yield f"clients {name}", lambda each=each: applications.page(each, limit=LIMIT)


def of_grants(app: Flask, services: Any, known: Known) -> Iterator[tuple[str, Read]]:
    """Sessions, token families, the denylist."""
    grants = services.grants
    yield from pages(app, "sessions", lambda **part: grants.sessions(WantedSessions(), **part))
    wanted = {
        "of a person": WantedSessions(user_id=known.person),
        "open": WantedSessions(state=State.ACTIVE),
        "ended": WantedSessions(state=State.ENDED),
        "expired": WantedSessions(state=State.EXPIRED),
        "of a busy client": WantedSessions(client_id=known.busy),
        "of a quiet client": WantedSessions(client_id=known.quiet),
        "rare address": WantedSessions(network=RARE_IP),
        "network": WantedSessions(network="10.7.0.0/16"),
        "network: nothing": WantedSessions(network="192.0.2.0/24"),
        "network: nothing, open": WantedSessions(network="192.0.2.0/25", state=State.ACTIVE),
    }
    for name, each in wanted.items():
        yield f"sessions {name}", lambda each=each: grants.sessions(each, limit=LIMIT)
    yield "sessions count: open", lambda: grants.count_sessions(WantedSessions(state=State.ACTIVE))
    yield from pages(app, "families", lambda **part: grants.grants(WantedGrants(), **part))
    families = {
        "of a person": WantedGrants(user_id=known.person),
        "of a busy client": WantedGrants(client_id=known.busy),
        "of a quiet client": WantedGrants(client_id=known.quiet),
        "of a session": WantedGrants(session_id=known.session),
        "token": WantedGrants(jti=known.family_jti),
        "token: nothing": WantedGrants(jti="none"),
        "good": WantedGrants(state=State.ACTIVE),
        "ended": WantedGrants(state=State.ENDED),
        "expired": WantedGrants(state=State.EXPIRED),
        "good of a busy client": WantedGrants(client_id=known.busy, state=State.ACTIVE),
    }
    for name, family in families.items():
        yield f"families {name}", lambda family=family: grants.grants(family, limit=LIMIT)
    yield "families count: good", lambda: grants.count_grants(WantedGrants(state=State.ACTIVE))
    yield from pages(app, "denylist", lambda **part: grants.denied(WantedDenied(), **part))
    denied = {
        "of a person": WantedDenied(user_id=known.person),
        "of a client": WantedDenied(client_id=known.quiet),
        "token": WantedDenied(jti=known.jti),
        "reason: nothing": WantedDenied(reason="none"),
    }
    for name, entry in denied.items():
        yield f"denylist {name}", lambda entry=entry: grants.denied(entry, limit=LIMIT)


def of_deliveries(app: Flask, services: Any, known: Known) -> Iterator[tuple[str, Read]]:
    """Mails and notices."""
    deliveries = services.deliveries
    yield from pages(app, "deliveries", lambda **part: deliveries.page(WantedDeliveries(), **part))
    wanted = {
        **{state.value: WantedDeliveries(state=state) for state in DeliveryState},
        "kind": WantedDeliveries(kind="mail"),
        "kind: nothing": WantedDeliveries(kind="none"),
        "of a person": WantedDeliveries(user_id=known.person),
        "given up since": WantedDeliveries(
            state=DeliveryState.GIVEN_UP, since=services.clock() - timedelta(days=1), kind="mail"
        ),
    }
    for name, each in wanted.items():
        yield f"deliveries {name}", lambda each=each: deliveries.page(each, limit=LIMIT)


def of_records(app: Flask, services: Any, known: Known) -> Iterator[tuple[str, Read]]:
    """The audit trail."""
    now = services.clock()

    def page(filters: Filters, **part: Any) -> Any:
        return services.records.page(filters, OPERATOR, **part)

    yield from pages(app, "records", lambda **part: page(Filters(), **part))
    yield from pages(
        app, "records common action", lambda **part: page(Filters(actions=("account:login:failed",)), **part)
    )
    wanted = {
        "rare action": Filters(actions=("account:role:set",)),
        "no such action": Filters(actions=("no:such:action",)),
        "beginning of rare actions": Filters(actions=("account:role:", "key:")),
        "beginning of common actions": Filters(actions=("account:",)),
        "several actions": Filters(actions=("account:login:failed", "account:role:set", "consent:granted")),
        "of a person": Filters(user=known.person),
        "by an operator": Filters(actor="operator"),
        "by a client": Filters(actor=known.busy),
        "by nobody": Filters(actor="none"),
        "of a busy client": Filters(client=known.busy),
        "of a quiet client": Filters(client=known.quiet),
        "refused": Filters(success=False),
        "rare address": Filters(ip=RARE_IP),
        "network": Filters(ip="10.7.0.0/16"),
        "network: nothing": Filters(ip="192.0.2.0/24"),
        "of a request": Filters(request=f"{5:032x}"),
        "day of long ago": Filters(since=now - timedelta(days=300), until=now - timedelta(days=299)),
        "by an operator since": Filters(actor="operator", since=now - timedelta(days=100)),
        "rare action of a client": Filters(actions=("account:role:set",), client=known.busy),
        "refused, of a client, by an action": Filters(
            success=False, client=known.busy, actions=("account:login:failed",)
        ),
        "refused rare action": Filters(success=False, actions=("consent:granted",)),
        "common action, rare address": Filters(actions=("oauth:code:redeemed",), ip=RARE_IP),
        "common action, network: nothing": Filters(actions=("oauth:code:redeemed",), ip="192.0.2.0/24"),
        "busy client, request": Filters(client=known.busy, request="none"),
        "day of long ago, refused, network": Filters(
            since=now - timedelta(days=300), until=now - timedelta(days=299), success=False, ip="192.0.2.0/24"
        ),
    }
    for name, each in wanted.items():
        yield f"records {name}", lambda each=each: page(each, limit=LIMIT)


def of_rights(app: Flask, services: Any, known: Known) -> Iterator[tuple[str, Read]]:
    """Groups, roles, who may do what, figures, and traces of what is not there."""
    rights = services.rights
    yield from pages(app, "groups", lambda **part: rights.groups(**part), 1)
    yield "groups search: nothing", lambda: rights.groups(search="no such group", limit=LIMIT)
    yield from pages(app, "groups: members", lambda **part: rights.members(known.group, **part), 3)
    yield "roles", lambda: rights.roles(limit=LIMIT)
    yield "people who may", lambda: rights.who("manage:users", limit=LIMIT)

    def traced() -> list[Any]:
        try:
            return list(services.traces.about(f"{3:032x}", OPERATOR).decisions)
        except NotFound:
            return []

    yield "trace of a request", traced
