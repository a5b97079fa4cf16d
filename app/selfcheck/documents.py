"""Probes of what anybody can read: discovery, keys, the clock, and what other sites' scripts may."""

import time
from email.utils import parsedate_to_datetime
from typing import Any

from app.errors import sentence
from app.selfcheck.findings import REPORT, Book, Seen, failed, in_order, passed, warned
from app.selfcheck.visit import AUTHORIZE, TOKEN, USERINFO, Visit

DISCOVERY = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
KEYS = "/.well-known/jwks.json"
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
LONGEST_KEPT = 86400
NOTICED_SECONDS, HARMFUL_SECONDS = 5, 60
FOREIGN = "https://another-site.invalid"
book = Book()


@book.probe(
    sentence("Discovery names the address that people use"),
    advice=sentence("Set PUBLIC_URL to the origin that people and applications see, and restart the portal."),
    reference="RFC 8414 section 3.3, OpenID Connect Discovery 1.0 section 4.3",
)
def issuer(visit: Visit) -> Seen:
    """The issuer and every endpoint are below PUBLIC_URL, character by character."""
    problems, looked_at = [], 0
    for path in DISCOVERY:
        said = visit.stranger().get(path).json()
        looked_at += 1
        if said.get("issuer") != visit.issuer:
            problems.append(f"{path}: issuer")
        for name, value in said.items():
            if name.endswith(("_endpoint", "jwks_uri")):
                looked_at += 1
                problems += [] if str(value).startswith(f"{visit.issuer}/") else [f"{path}: {name}"]
    return in_order(problems, looked_at)


@book.probe(
    sentence("Published keys hold nothing private and are kept for a bounded time"),
    advice=REPORT,
    reference="RFC 7517 section 9.2, ASVS 5.0 11.1",
)
def published_keys(visit: Visit) -> Seen:
    """Only public members, distinct ids, a ``Cache-Control`` that ends."""
    reply = visit.stranger().get(KEYS)
    keys: list[dict[str, Any]] = reply.json().get("keys", [])
    problems = [f"{KEYS}: {member}" for key in keys for member in sorted(PRIVATE & set(key))]
    if not keys or len({key.get("kid") for key in keys}) != len(keys):
        problems.append(f"{KEYS}: kid")
    directives = dict(each.strip().partition("=")[::2] for each in reply.get("Cache-Control").lower().split(","))
    kept = directives.get("max-age", "")
    if not kept.isdigit() or not 0 < int(kept) <= LONGEST_KEPT:
        problems.append(f"{KEYS}: Cache-Control")
    return in_order(problems, len(keys) + 1)


@book.probe(
    sentence("The clock of the server is right"),
    advice=sentence("Have the clocks of all machines set by NTP: tokens are good and expire by them."),
    reference="RFC 7519 section 4.1.4",
)
def clock(visit: Visit) -> Seen:
    """The ``Date`` of an answer against the clock of whoever runs the check."""
    before = time.time()
    given = visit.stranger().get("/health").get("Date")
    after = time.time()
    try:
        told = parsedate_to_datetime(given).timestamp()
    except ValueError:
        return failed(NO_DATE)
    # A date is cut to whole seconds, and an answer takes a while.
    seconds = int(max(before - 1 - told, told - after, 0))
    if seconds > HARMFUL_SECONDS:
        return failed(APART, seconds=seconds)
    return warned(APART, seconds=seconds) if seconds > NOTICED_SECONDS else passed(TOGETHER)


NO_DATE = sentence("Answers have no Date that can be read.")
APART = sentence("The clock of the server and the one here are %(seconds)s seconds apart.")
TOGETHER = sentence("The clock of the server and the one here agree.")


@book.probe(
    sentence("Scripts of other sites read no answers"),
    advice=sentence("Look whether CORS_ORIGINS names more than it should, or a proxy adds CORS headers."),
    reference="RFC 9700 section 2.6, ASVS 5.0 3.4.2",
)
def foreign_origin(visit: Visit) -> Seen:
    """No ``Access-Control-Allow-Origin`` for a site that no application is at, preflights included."""
    problems, looked_at = [], 0
    for path in (TOKEN, USERINFO, AUTHORIZE, "/login", "/api/v1/auth/sessions"):
        for method in ("OPTIONS", "POST" if path == TOKEN else "GET"):
            headers = {"Origin": FOREIGN, "Access-Control-Request-Method": "POST"}
            reply = visit.stranger().ask(method, path, headers=headers)
            looked_at += 1
            if reply.get("Access-Control-Allow-Origin") in {"*", FOREIGN}:
                problems.append(f"{method} {path}: Access-Control-Allow-Origin")
    return in_order(problems, looked_at)
