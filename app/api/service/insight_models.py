"""What the service API reads and answers about how applications fare, as pydantic models (:mod:`app.api.models`)."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from app.api.models import Answer, Body
from app.api.service.answers import Secret
from app.api.service.asked import LONGEST_VALUE, ClientId, Text
from app.services.clients.redirect_advice import ApplicationType, Level, Silent


class AddressAsked(Body):
    """A redirect URI to be judged; with `client_id` also beside those that the client has."""

    uri: Annotated[str, StringConstraints(max_length=2 * LONGEST_VALUE)]
    type: Annotated[ApplicationType, Field(strict=False)]
    client_id: ClientId | None = None


class Advice(Answer):
    """One thing that is so and what to do; `value` is what it is about, such as the name in other letters."""

    code: str
    level: Level
    sentence: str
    value: str | None


class SiteVerdict(Answer):
    """The site of the address and of the portal, and what that means for silent login in a hidden frame."""

    site: str | None
    portal_site: str | None
    is_same: bool
    silent: Silent
    sentence: str


class AddressVerdict(Answer):
    """What to think of a redirect URI; an `error` is what registration refuses, and `level` the worst."""

    uri: str
    type: ApplicationType
    level: Level
    advice: list[Advice]
    site: SiteVerdict


class PreviewAsked(Body):
    """Whose tokens, and the `scope` that an authorization request would have; without one, what it has then."""

    user: Annotated[
        Text, StringConstraints(min_length=1, max_length=254), Field(description="The e-mail or id of a person.")
    ]
    scope: Text = ""


class LeftOut(Answer):
    """A scope that would not be granted, and why."""

    scope: str
    reason: str
    sentence: str


class AskedForConsent(Answer):
    """A line of the consent page; `is_new` is one that was not allowed before."""

    scope: str
    sentence: str
    is_optional: bool
    is_new: bool


class Lives(Answer):
    """Seconds; those of a refresh token are null where none is given."""

    access: int
    refresh: int | None
    refresh_absolute: int | None


class TokenPreview(Answer):
    """What tokens would say. None was made: nothing here is signed, and nothing is good anywhere."""

    client_id: str
    user_id: str
    requested: list[str]
    granted: list[str]
    left_out: list[LeftOut]
    next_step: Annotated[
        str, Field(description="`issue`, `consent` (what follows is of who allows it as it stands), or `refused`.")
    ]
    error: str | None
    error_description: str | None
    consent: list[AskedForConsent]
    access_token: dict[str, Any] | None
    id_token: dict[str, Any] | None
    userinfo: dict[str, Any] | None
    lifetimes: Lives | None
    note: str


class Refusals(Answer):
    """How often requests were refused: where, with which error, and why; `sentence` says the cause in words."""

    endpoint: str
    error: str
    cause: str
    sentence: str
    count: int
    last_at: datetime


class Fared(Answer):
    """What happened in some time before now: tokens by grant, and errors that are no mistake (login_required)."""

    successes: int
    failed: int
    issued: dict[str, int]
    failures: list[Refusals]
    declined: dict[str, int]


class LastUse(Answer):
    """When something was used last; null where that is not known to have happened."""

    name: str
    last_at: datetime | None


class Recommendation(Answer):
    """What to do; `remove` are values to take from lists, `change` members to set."""

    code: str
    sentence: str
    remove: dict[str, list[str]]
    change: dict[str, Any]


class Health(Answer):
    """How a client fares. That something is unused is said where counting has gone on for 30 days."""

    client_id: str
    at: datetime
    counted_since: datetime | None
    is_known_long_enough: bool
    last_success: LastUse | None
    last_failure: Refusals | None
    spans: Annotated[dict[str, Fared], Field(description="`24h`, `7d`, `30d`.")]
    scopes: list[LastUse]
    grants: list[LastUse]
    redirect_uris: list[LastUse]
    secrets: list[Secret]
    key_fetches: Annotated[
        list[LastUse],
        Field(description="When its keys were read at `jwks_uri` (`read`), or why not; the latest first."),
    ]
    consents: int
    living_grants: int
    open_sessions: int
    recommendations: list[Recommendation]


class Period(Answer):
    """What happened in an hour or a day; `open_sessions` is the most that were seen open, null where nobody looked."""

    begin: datetime
    end: datetime
    logins: dict[str, int]
    failed_logins: dict[str, int]
    tokens: dict[str, int]
    refresh: dict[str, int]
    refusals: dict[str, int]
    open_sessions: int | None


class RefusedClient(Refusals):
    """The same of one client; null is of requests that named none that is registered."""

    client_id: str | None


class Ending(Answer):
    """Something that ends within 30 days: a secret of a client, or a key that was replaced."""

    kind: str
    name: str
    of: str
    at: datetime


class Waiting(Answer):
    """Deliveries that wait: how many of a kind, and for how many seconds the oldest."""

    kind: str
    is_failing: bool
    count: int
    oldest_seconds: float


class OverTime(Answer):
    """The portal over 24 hours and 30 days, UTC; the last span of each is under way."""

    at: datetime
    counted_since: datetime | None
    hours: list[Period]
    days: list[Period]
    refused: Annotated[dict[str, list[RefusedClient]], Field(description="`24h` and `30d`, the most frequent first.")]
    open_sessions: int
    ending: list[Ending]
    queues: list[Waiting]
