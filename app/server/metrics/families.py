"""Everything that is measured: each family with its kind, labels and meaning. docs/metrics.md is made of it."""

import enum
from dataclasses import dataclass

from app.services.record.tally import Fact


class Kind(enum.Enum):
    """What a number means, and how those of several workers become one."""

    COUNTER = "counter"
    """Their sum, also of workers that have ended."""
    HISTOGRAM = "histogram"
    EACH = "gauge of each worker"
    """Apart, under the worker's number, as long as it lives."""
    SUM = "gauge, the sum of all workers"
    LEAST = "gauge, the least of all workers"
    LATEST = "gauge, the latest of all workers"
    """It stays when a worker ends."""
    STATE = "gauge of the database"
    """Read when it is asked for."""
    CONSTANT = "constant"


OF_THE_LIVING = frozenset({Kind.EACH, Kind.SUM, Kind.LEAST})
"""What ends with its worker."""


@dataclass(frozen=True, slots=True)
class Family:
    """``most`` is how many combinations of labels there may be in a worker; what comes later is under ``other``."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    most: int = 100
    bounds: tuple[float, ...] = ()


SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
REQUESTS = Family(
    "portal_http_requests_total",
    Kind.COUNTER,
    "Requests that were answered: method, template of the path (`unmatched` for addresses that are none), class of the "
    "status",
    ("method", "route", "status"),
    1000,
)
DURATION = Family(
    "portal_http_request_duration_seconds",
    Kind.HISTOGRAM,
    "How long the application took for an answer, by template of the path",
    ("route",),
    200,
    SECONDS,
)
REFUSED = Family(
    "portal_http_refused_total",
    Kind.COUNTER,
    "Requests that the server refused before the application saw them, by what is wrong with them",
    ("reason",),
)
TOKENS = Family(
    "portal_tokens_total",
    Kind.COUNTER,
    "Requests for tokens: the grant (`first_party` for the portal's own API) and `issued`, or the error",
    ("grant", "result"),
)
REFRESHES = Family(
    "portal_refresh_tokens_total",
    Kind.COUNTER,
    "Refresh tokens that were presented: `rotated`, `repeated` (a lost answer was given again), `reused` (the family "
    "ended), `foreign` (another client's)",
    ("outcome",),
)
LOGINS = Family(
    "portal_logins_total",
    Kind.COUNTER,
    "Logins by `password` or a provider: `succeeded`, or why not",
    ("provider", "result"),
)
SESSIONS_STARTED = Family(
    "portal_sessions_started_total",
    Kind.COUNTER,
    "Sessions that began: `new`, or `renewed` when the same person logged in again",
    ("kind",),
)
SESSIONS_ENDED = Family(
    "portal_sessions_ended_total",
    Kind.COUNTER,
    "Sessions that were ended, by reason; those that expire are not, for nobody does anything then",
    ("reason",),
)
DENIALS = Family(
    "portal_denials_total",
    Kind.COUNTER,
    "Refusals by the endpoint of the protocol (else `page` or `api`) and the error's constant code",
    ("endpoint", "error"),
    300,
)
EVENTS = Family(
    "portal_events_total",
    Kind.COUNTER,
    "Entries of the audit trail: the event, and `ok` or the error; codes redeemed and service tokens "
    "are in `portal_tokens_total` alone",
    ("event", "result"),
    200,
)
DELIVERIES = Family(
    "portal_deliveries_total",
    Kind.COUNTER,
    "Mails and notices that were tried: `arrived`, `failed` (tried again later) or `given_up`",
    ("kind", "result"),
)
QUOTAS = Family(
    "portal_quota_units_total",
    Kind.COUNTER,
    "What was `consumed` of monthly quotas, or `released` again, by the plan that counted",
    ("plan", "outcome"),
)
QUOTAS_REFUSED = Family(
    "portal_quota_refusals_total",
    Kind.COUNTER,
    "Requests for more than was left of a monthly quota, by the plan that counted",
    ("plan",),
)
BILLING = Family(
    "portal_billing_notices_total",
    Kind.COUNTER,
    "Notices of the payment provider: `applied`, `outdated` (a later one came before), `repeated`, `irrelevant`, or "
    "why they could not be used",
    ("result",),
)
STORE_FALLBACKS = Family(
    "portal_store_fallbacks_total",
    Kind.COUNTER,
    "Questions that the embedded store answered because Redis did not",
)
STORE_OUTAGES = Family("portal_store_outages_total", Kind.COUNTER, "How often a worker lost Redis")
STORE_UP = Family(
    "portal_store_up", Kind.LEAST, "1 while Redis answered every worker that asked it last, else 0; only with Redis"
)
POOL_USED = Family(
    "portal_database_connections_used",
    Kind.EACH,
    "Connections to the database that a worker has out, looked at each second",
    ("worker",),
)
POOL_MOST = Family(
    "portal_database_connections_limit", Kind.EACH, "How many of these a worker may have out", ("worker",)
)
CONNECTIONS = Family(
    "portal_http_connections",
    Kind.EACH,
    "Connections of clients that a worker holds, looked at each second",
    ("worker",),
)
WORKERS = Family("portal_workers", Kind.SUM, "Workers that live")
CHORES = Family(
    "portal_chore_runs_total",
    Kind.COUNTER,
    "What the portal does by itself, by result (`ok` or `failed`); one of all nodes does it each time",
    ("chore", "result"),
)
CHORE_SUCCESS = Family(
    "portal_chore_last_success_timestamp_seconds",
    Kind.LATEST,
    "When it was last done by a worker of this node, seconds since 1970",
    ("chore",),
)
LOST = Family(
    "portal_metrics_lost_total", Kind.COUNTER, "What could not be counted because a worker's page was full; always 0"
)
SCRAPE_ERRORS = Family(
    "portal_scrape_errors_total", Kind.COUNTER, "Scrapes that had to do without the numbers of the database"
)
STATE_UP = Family(
    "portal_state_up",
    Kind.STATE,
    "1 when the database told its numbers for this scrape; else 0, and these are not told",
)
WAITING = Family(
    "portal_deliveries_waiting",
    Kind.STATE,
    "Mails and notices in the queue: `waiting` for their first attempt, or `failing` since one",
    ("kind", "state"),
)
OLDEST = Family(
    "portal_deliveries_oldest_seconds", Kind.STATE, "Age of the oldest mail or notice in the queue", ("kind",)
)
KEY_AGE = Family(
    "portal_signing_key_age_seconds",
    Kind.STATE,
    "Seconds since a signing key was made, the oldest of each use (`sig`), algorithm and status",
    ("use", "algorithm", "status"),
)
KEY_EXPIRY = Family(
    "portal_signing_key_expires_days",
    Kind.STATE,
    "Days until a replaced key leaves the key set, the first of each algorithm; keys that sign have no end",
    ("use", "algorithm", "status"),
)
BUILD = Family(
    "portal_build_info",
    Kind.CONSTANT,
    "1, with the revision of the schema that the code was written for, the version of Python, the kind of database",
    ("schema", "python", "database"),
)
FAMILIES = (
    *(REQUESTS, DURATION, REFUSED, TOKENS, REFRESHES, LOGINS, SESSIONS_STARTED, SESSIONS_ENDED, DENIALS, EVENTS),
    *(QUOTAS, QUOTAS_REFUSED, BILLING),
    *(DELIVERIES, WAITING, OLDEST, KEY_AGE, KEY_EXPIRY, POOL_USED, POOL_MOST, CONNECTIONS, WORKERS),
    *(STORE_UP, STORE_OUTAGES, STORE_FALLBACKS, CHORES, CHORE_SUCCESS, STATE_UP, SCRAPE_ERRORS, LOST, BUILD),
)
BY_NAME = {family.name: family for family in FAMILIES}
OF_FACTS = {
    Fact.EVENT: EVENTS,
    Fact.LOGIN: LOGINS,
    Fact.SESSION_STARTED: SESSIONS_STARTED,
    Fact.SESSION_ENDED: SESSIONS_ENDED,
    Fact.TOKEN: TOKENS,
    Fact.REFRESH: REFRESHES,
    Fact.DENIAL: DENIALS,
    Fact.DELIVERY: DELIVERIES,
    Fact.QUOTA: QUOTAS,
    Fact.QUOTA_REFUSED: QUOTAS_REFUSED,
    Fact.BILLING: BILLING,
}


def documentation() -> str:
    """The table of docs/metrics.md."""
    lines = ["| metric | kind | labels | what it says |", "|---|---|---|---|"]
    for family in FAMILIES:
        labels = ", ".join(f"`{label}`" for label in family.labels)
        lines.append(f"| `{family.name}` | {family.kind.value} | {labels} | {family.meaning} |")
    return "\n".join(lines) + "\n"
