"""What the service API reads: filters of lists, and bodies, as pydantic models (:mod:`app.api.models`)."""

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict, Field, Strict, StringConstraints

from app.api.models import Body, NewEmail, NewPassword, ProfileChange, Query, read_number
from app.services.clients.registration import is_client_id
from app.services.clients.secrets import LONGEST_OVERLAP
from app.services.foundation.texts import holds_controls, one_line
from app.services.oversight.deliveries import DeliveryState
from app.services.oversight.directory import Sort
from app.services.plans.catalogue import MOST

MOST_ROWS = 200
MOST_VALUES = 100
LONGEST_VALUE = 2000
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)


def _without_controls(value: str) -> str:
    if holds_controls(value):
        raise ValueError("control")
    return value


def _as_kept(value: str) -> str:
    """What is searched for, without what no kept text holds; what shows nothing would find everything."""
    if not (kept := one_line(value)):
        raise ValueError("nothing")
    return kept


def _known_form(value: str) -> str:
    if not is_client_id(value):
        raise ValueError("client id")
    return value


def _uuid(value: Any) -> Any:
    """An id as it is kept, in small letters."""
    return str(UUID(value)) if isinstance(value, str) else value


def _written_out(value: Any) -> Any:
    """A moment is a date, a time and an offset (:rfc:`3339`): no number is one."""
    if isinstance(value, str) and RFC_3339.match(value):
        return value
    raise ValueError("moment")


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("beyond the calendar") from None


Text = Annotated[str, StringConstraints(max_length=LONGEST_VALUE), AfterValidator(_without_controls)]
Texts = Annotated[list[Text], Field(default_factory=list, max_length=MOST_VALUES)]
Search = Annotated[
    str,
    StringConstraints(min_length=1, max_length=254),
    AfterValidator(_without_controls),
    AfterValidator(_as_kept),
]
ClientId = Annotated[str, StringConstraints(max_length=100), AfterValidator(_known_form)]
Word = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,255}$")]
Network = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f.:/]{2,64}$")]
OptionalNumber = BeforeValidator(read_number)
PersonId = Annotated[str, BeforeValidator(_uuid), Field(json_schema_extra={"format": "uuid"})]
Limit = Annotated[int, Field(ge=1, le=MOST_ROWS, description="How many at most."), BeforeValidator(read_number)]
Cursor = Annotated[
    str | None,
    Field(max_length=600, description="The `next` or `previous` of the answer before; nothing for the first."),
]
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]
MomentSent = Annotated[Moment, Strict(strict=False)]
"""In a body, where types are strict: a moment is sent as text."""
Limited = Annotated[int, Field(ge=0, le=MOST)]
Method = Literal["none", "client_secret", "client_secret_basic", "client_secret_post", "private_key_jwt"]
Seconds = Annotated[int, Field(ge=1, le=400 * 86400)]


class Filter(Query):
    """Parameters of which a wrong name must not pass for none: what was to be narrowed would be everything."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Span(Filter):
    """How far back."""

    period: Annotated[
        Literal["24h", "7d", "30d"], Field(description="Figures over time: hours of a day, or days of a week or month.")
    ] = "7d"


class ListWanted(Filter):
    """Which part of a list, and whether its rows are counted."""

    limit: Limit = 50
    cursor: Cursor = None
    count: Annotated[bool, Field(description="Count the rows, up to a thousand.")] = False


class ClientsWanted(ListWanted):
    """Which clients, and which part of the list."""

    search: Annotated[Search | None, Field(description="A part of the id, the name or a redirect URI.")] = None
    is_active: bool | None = None
    is_confidential: bool | None = None
    is_first_party: bool | None = None
    consent_policy: Literal["implicit", "once", "always"] | None = None
    in_development: bool | None = None
    owner_id: PersonId | None = None
    scope: Annotated[Word | None, Field(description="A scope it may ask for.")] = None
    grant_type: Literal["authorization_code", "refresh_token", "client_credentials"] | None = None
    secret_ends_in_days: Annotated[
        int | None, Field(ge=1, le=400, description="A secret of it ends within so many days."), OptionalNumber
    ] = None


class PeopleWanted(ListWanted):
    """Which people, in what order, and which part of the list."""

    sort: Annotated[
        Sort, Field(description="`newest` and `last_login` are the latest first; who never logged in stands last.")
    ] = Sort.NEWEST
    search: Annotated[
        Search | None, Field(description="A part of an e-mail or a name; an id, or that at a provider, whole.")
    ] = None
    email: Annotated[Search | None, Field(description="The beginning of an e-mail.")] = None
    is_active: bool | None = None
    is_leaving: Annotated[bool | None, Field(description="Whether the account is going to be deleted.")] = None
    email_verified: bool | None = None
    is_admin: bool | None = None
    role: Annotated[Search | None, Field(description="The name or id of a role somebody holds.")] = None
    group: Annotated[
        Search | None, Field(description="The name or id of a group somebody is in; with `role`, in that role.")
    ] = None
    provider: Annotated[Word | None, Field(description="A provider somebody comes in by.")] = None
    plan: Annotated[Search | None, Field(description="The plan that was set or paid for.")] = None
    effective_plan: Annotated[Search | None, Field(description="The plan that counts now.")] = None
    created_since: Annotated[Moment | None, Field(description="The account was not made before this time.")] = None
    created_until: Annotated[Moment | None, Field(description="The account was made before this time.")] = None
    login_since: Annotated[Moment | None, Field(description="The last login was not before this time.")] = None
    login_until: Annotated[Moment | None, Field(description="The last login was before this time.")] = None
    has_logged_in: bool | None = None


class SessionsWanted(ListWanted):
    """Which sessions, and which part of the list."""

    user_id: PersonId | None = None
    client_id: Annotated[ClientId | None, Field(description="A client that holds or held tokens of it.")] = None
    ip: Annotated[Network | None, Field(description="An address, or a network such as `203.0.113.0/24`.")] = None
    state: Literal["active", "ended", "expired"] | None = None


class GrantsWanted(ListWanted):
    """Which grants, and which part of the list."""

    user_id: PersonId | None = None
    client_id: ClientId | None = None
    session_id: PersonId | None = None
    jti: Annotated[Word | None, Field(description="The id of the latest access token.")] = None
    state: Literal["active", "ended", "expired"] | None = None


class DeniedWanted(ListWanted):
    """Which denied tokens, and which part of the list."""

    user_id: PersonId | None = None
    client_id: ClientId | None = None
    jti: Annotated[Word | None, Field(description="The id of the access token.")] = None
    reason: Word | None = None


class DeliveriesWanted(ListWanted):
    """Which deliveries, and which part of the list."""

    kind: Annotated[Word | None, Field(description="Such as `mail`.")] = None
    state: DeliveryState | None = None
    user_id: PersonId | None = None
    client_id: ClientId | None = None
    since: Annotated[Moment | None, Field(description="Not before this time.")] = None


class RecordsWanted(Filter):
    """Which records of the audit trail, and which part of the list."""

    limit: Limit = 50
    cursor: Cursor = None
    action: Annotated[
        str | None,
        StringConstraints(pattern=r"^[a-z_:]{1,64}(,[a-z_:]{1,64}){0,19}$"),
        Field(
            description="Such as `account:login:failed`; with a colon at its end all that begin so; several by commas."
        ),
    ] = None
    client_id: ClientId | None = None
    user_id: Annotated[PersonId | None, Field(description="Whom it happened to.")] = None
    actor: Annotated[Word | None, Field(description="Who did it: a person's or client's id, or `operator`.")] = None
    success: bool | None = None
    ip: Annotated[Network | None, Field(description="An address, or a network such as `203.0.113.0/24`.")] = None
    request: Annotated[Word | None, Field(description="The id of a request, as `X-Request-ID` has it.")] = None
    error: Annotated[Word | None, Field(description="The code of what was refused, such as `wrong_credentials`.")] = (
        None
    )
    since: Annotated[Moment | None, Field(description="Not before this time.")] = None
    until: Annotated[Moment | None, Field(description="Before this time.")] = None


class ClientChange(Body):
    """What can be said about a client; what is left out stays, and null takes away what may be absent."""

    name: Text = ""
    description: Text = ""
    redirect_uris: Texts
    post_logout_redirect_uris: Texts
    backchannel_logout_uri: Text | None = None
    allowed_scopes: Texts
    optional_scopes: Texts
    grant_types: Annotated[
        list[Literal["authorization_code", "refresh_token", "client_credentials"]],
        Field(default_factory=list, max_length=3),
    ]
    consent_policy: Literal["implicit", "once", "always"] = "once"
    is_active: Annotated[bool, Field(description="A client that is stopped loses its tokens for good.")] = True
    is_confidential: bool = False
    auth_method: Method = "none"
    jwks: Annotated[dict[str, Any] | None, Field(description="Its public keys (RFC 7517), for `private_key_jwt`.")] = (
        None
    )
    jwks_uri: Annotated[Text | None, Field(description="Or where they are.")] = None
    require_pkce: bool = True
    id_token_signed_response_alg: Literal["RS256", "ES256"] = "RS256"  # noqa: S105
    lean_id_token: bool = False
    access_token_seconds: Seconds | None = None
    refresh_token_seconds: Seconds | None = None
    can_introspect_any: bool = False
    is_listed: bool = False
    in_development: Annotated[bool, Field(description="Its error pages show anybody what is registered.")] = False
    logo_uri: Text | None = None
    home_uri: Text | None = None
    policy_uri: Text | None = None
    tos_uri: Text | None = None
    contacts: Texts
    owner_id: PersonId | None = None

    def given(self) -> dict[str, Any]:
        """The members that were sent, by the columns they are for."""
        named = {name: getattr(self, name) for name in self.model_fields_set & ClientChange.model_fields.keys()}
        return named | ({"jwks": json.dumps(named["jwks"])} if named.get("jwks") is not None else {})


class NewClient(ClientChange):
    """A client to register."""

    client_id: Annotated[
        str, StringConstraints(min_length=1, max_length=100), Field(description="Letters, digits and ._~- of ASCII.")
    ]


class Rotation(Body):
    """How a secret is replaced."""

    overlap_seconds: Annotated[
        int, Field(ge=0, le=int(LONGEST_OVERLAP.total_seconds()), description="How long the one before still counts.")
    ] = 0


class NewUser(Body):
    """An account to make."""

    email: NewEmail
    full_name: Text = ""
    password: Annotated[NewPassword | None, Field(description="Made and answered once when left out.")] = None
    email_verified: bool = False
    is_admin: Annotated[bool, Field(description="Needs `admin:full`.")] = False


class UserChange(ProfileChange):
    """What an administrator changes of an account; what is left out stays."""

    is_active: Annotated[bool, Field(description="Sessions and tokens of an account that is stopped end.")] = True
    email_verified: bool = False
    role: Annotated[Text, Field(description="Sessions and tokens end with the old role.")] = ""
    plan: Annotated[Text, Field(description="What was used is kept; it follows no subscription any more.")] = ""
    plan_status: Annotated[
        Literal["active", "cancelled", "expired"], Field(description="Only with `plan`. A cancelled one needs an end.")
    ] = "active"
    plan_ends_at: Annotated[MomentSent | None, Field(description="Only with `plan`; null or nothing: no end.")] = None


class LimitChange(Body):
    """How much a plan gives in a month."""

    monthly_limit: Annotated[Limited | None, Field(description="Null: as much as one likes.")]


class NewOverride(Body):
    """Another plan, another limit or both for one person, from a moment on and maybe to another one."""

    plan: Text | None = None
    monthly_limit: Limited | None = None
    starts_at: Annotated[MomentSent | None, Field(description="Null or nothing: now.")] = None
    ends_at: Annotated[MomentSent | None, Field(description="Null or nothing: until it is ended.")] = None
    reason: Annotated[Text, Field(min_length=1)]


class Revocation(Body):
    """What to end: exactly one of the four."""

    token: Annotated[str | None, Field(max_length=8192, description="An access or refresh token.")] = None
    grant_id: Annotated[PersonId | None, Field(description="All tokens of one authorization.")] = None
    user_id: Annotated[PersonId | None, Field(description="All tokens of a person.")] = None
    client_id: Annotated[Text | None, Field(description="All tokens issued to a client.")] = None
