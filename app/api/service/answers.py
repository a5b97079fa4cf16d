"""What the service API answers, as pydantic models (:mod:`app.api.models`)."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from app.api.models import Answer
from app.services.foundation.pages import Count
from app.services.oversight.grants import State


class Part(Answer):
    """A part of a list."""

    next: Annotated[str | None, Field(description="The `cursor` of the next part; null at the end.")]
    previous: Annotated[str | None, Field(description="The `cursor` of the part before; null at the beginning.")]


class HowMany(Answer):
    """How many rows there are; `more` says that there are more than that."""

    number: int
    more: bool


def counted(count: Count) -> HowMany:
    """The same as it is answered."""
    return HowMany(number=count.number, more=count.is_more)


class ListAnswer(Part):
    """A part of a list that can be counted."""

    count: Annotated[HowMany | None, Field(description="Only where it was asked for.")]


class Counts(Answer):
    """What happened in a span of time; it begins with the first moment and ends before the second one, UTC."""

    begin: datetime
    end: datetime
    logins: int
    failed_logins: int
    codes_redeemed: int
    service_tokens_issued: int
    failed_client_authentications: int
    refresh_tokens_reused: int
    codes_reused: int


class Figures(Answer):
    """The portal in figures."""

    at: datetime
    clients: dict[str, int]
    users: dict[str, int]
    sessions: dict[str, int]
    tokens: Annotated[
        dict[str, dict[str, int]],
        Field(description="By grant and state; service tokens, of which none is kept, as issued in the period."),
    ]
    history: Annotated[list[Counts], Field(description="The oldest span first; the last one is under way.")]


class Client(Answer):
    """A registered client; its secret is never told again."""

    client_id: str
    name: str
    description: str
    redirect_uris: list[str]
    post_logout_redirect_uris: list[str]
    backchannel_logout_uri: str | None
    allowed_scopes: list[str]
    optional_scopes: list[str]
    grant_types: list[str]
    consent_policy: str
    is_active: bool
    is_confidential: bool
    auth_method: str
    jwks: dict[str, Any] | None
    jwks_uri: str | None
    require_pkce: bool
    id_token_signed_response_alg: str
    lean_id_token: bool
    access_token_seconds: int | None
    refresh_token_seconds: int | None
    can_introspect_any: bool
    is_listed: bool
    in_development: bool
    logo_uri: str | None
    home_uri: str | None
    policy_uri: str | None
    tos_uri: str | None
    contacts: list[str]
    owner_id: str | None
    created_at: datetime
    updated_at: datetime


class Secret(Answer):
    """A secret that counts, without itself; the newest one has no end."""

    id: str
    created_at: datetime
    expires_at: datetime | None


class WholeClient(Client):
    """A client, and when each of its secrets was made and ends."""

    secrets: list[Secret]


class ClientWithSecret(Client):
    """A client, with the secret of one that has got one just now: it is shown this once."""

    client_secret: str | None


class ClientList(ListAnswer):
    """Some of the clients, the newest first."""

    clients: list[Client]


class ClientSecret(Answer):
    """A new secret, shown this once."""

    client_id: str
    client_secret: str


class Account(Answer):
    """A person as administrators see them."""

    id: str
    email: str
    email_verified: bool
    username: str
    full_name: str
    has_password: bool
    is_active: bool
    is_admin: bool
    plan: Annotated[str, Field(description="What was set or paid for.")]
    plan_status: str
    plan_started_at: datetime | None
    plan_ends_at: datetime | None
    effective_plan: Annotated[str, Field(description="What counts now, overrides included.")]
    billing_customer_id: str | None
    billing_subscription_id: str | None
    locale: str
    timezone: str
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None
    deletes_at: Annotated[datetime | None, Field(description="When the account goes, if its person has asked for it.")]


class Plan(Answer):
    """A plan; `monthly_limit` is null where there is none."""

    name: str
    position: Annotated[int, Field(description="Those of a higher one give more.")]
    title: str
    monthly_limit: int | None


class PlanList(Answer):
    """All plans, from the least to the most."""

    plans: list[Plan]


class GroupOfAccount(Answer):
    """A group somebody is in, and the role there."""

    group: str
    kind: str
    role: str
    is_primary: bool


class IdentityOfAccount(Answer):
    """An identity at a provider by which somebody comes in."""

    provider: str
    subject: str
    email: str
    created_at: datetime
    last_used_at: datetime


class WholeAccount(Account):
    """A person with groups and identities."""

    groups: list[GroupOfAccount]
    identities: list[IdentityOfAccount]


class OverrideOfAccount(Answer):
    """Another plan, another limit or both, that was granted to one person."""

    id: str
    plan: str | None
    monthly_limit: int | None
    starts_at: datetime
    ends_at: Annotated[datetime | None, Field(description="Null: until it is ended.")]
    reason: str
    created_by: str
    created_at: datetime
    in_force: Annotated[bool, Field(description="Whether it is under way now; of several the first one counts.")]


class OverrideList(Answer):
    """A person's latest overrides, the one made last first, those that are over as well."""

    overrides: list[OverrideOfAccount]


class QuotaOfAccount(Answer):
    """A person's plan as it counts now and the month under way; null is no limit."""

    user_id: str
    plan: str
    limit: int | None
    used: int
    remaining: int | None
    began_at: datetime
    resets_at: datetime


class NewAccount(Account):
    """An account that was just made, with the password if one was made for it: it is shown this once."""

    password: str | None


class AccountList(ListAnswer):
    """Some of the people, the newest account first."""

    users: list[Account]


class SeenSession(Answer):
    """A signed-in browser."""

    id: str
    user_id: str
    device_name: str
    ip_address: str
    user_agent: str
    is_remembered: bool
    authenticated_at: datetime
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    access_count: int
    ended_at: datetime | None
    end_reason: str | None
    state: State


class SeenSessions(ListAnswer):
    """Some of the sessions, those that would last longest first."""

    sessions: list[SeenSession]


class Grant(Answer):
    """The tokens that one authorization led to; they live and end together."""

    id: str
    client_id: str
    user_id: str
    session_id: str | None
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    access_expires_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    state: State


class GrantList(ListAnswer):
    """Some of the grants, those that would last longest first."""

    tokens: list[Grant]


class Denied(Answer):
    """An access token that is refused before its time."""

    jti: str
    user_id: str | None
    client_id: str | None
    reason: str
    denied_at: datetime
    expires_at: datetime


class DeniedList(ListAnswer):
    """Some of the denied tokens, the last denied first."""

    denylist: list[Denied]


class Ended(Answer):
    """How much was ended."""

    ended: int


class ServiceRefusal(Answer):
    """The token is missing, does not count, or does not reach so far."""

    detail: str
