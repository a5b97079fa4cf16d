"""What the API reads and answers, as pydantic models: the checks, the answers and the document come of the same ones.

Types are strict: a number is no string, a string no number. Members that are not known are ignored, so that a front end
which says more than this version reads goes on working; nothing can be set by them.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.services.foundation.texts import MOST_TYPED, one_line, some_lines
from app.services.people.passwords import LONGEST, LONGEST_TYPED, SHORTEST, prepared
from app.services.people.profiles import LONGEST_BIO, LONGEST_NAME

MOST_SESSIONS = 100
LONGEST_TOKEN = 1024


class Body(BaseModel):
    """A JSON object that is sent."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, defer_build=True)


class Query(BaseModel):
    """Parameters of an address, which are text."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class Answer(BaseModel):
    """A JSON object that is answered; every member is always there."""

    model_config = ConfigDict(frozen=True, defer_build=True)


def read_number(value: Any) -> Any:
    """Only digits are a number here: no sign, no blanks, no other script's."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10 else "x"


def _prepared(value: Any) -> Any:
    """A new password is measured as it will be kept."""
    return prepared(value) if isinstance(value, str) else value


def _kept(form: Callable[[str], str]) -> BeforeValidator:
    """A text is measured as it will be kept; of what shows nothing a sign stays, for a rule to say so."""

    def measured(value: Any) -> Any:
        return (form(value) or value[:1]) if isinstance(value, str) and len(value) <= MOST_TYPED else value

    return BeforeValidator(measured)


def _text(most: int, meaning: str) -> Any:
    """A text of which ``most`` characters are kept: the document, which can only count what is sent, allows more."""
    told = f"{meaning} At most {most} characters, in composed form (NFC) and without those that show nothing."
    return Field(max_length=most, description=told, json_schema_extra={"maxLength": MOST_TYPED})


Email = Annotated[str, Field(min_length=1, max_length=254, description="An e-mail address, in any case of letters.")]
NewEmail = Annotated[Email, Field(json_schema_extra={"format": "email"})]
Password = Annotated[str, Field(min_length=1, max_length=LONGEST_TYPED)]
PresentPassword = Annotated[
    Password,
    Field(
        description="Asked for where the account has a password. One that has none leaves it out, and the login of its "
        "session is of a few minutes ago."
    ),
]
NOT_GIVEN: Any = ""
NewPassword = Annotated[
    str,
    Field(
        min_length=SHORTEST,
        max_length=LONGEST,
        description="Judged by how hard it is to guess, not by the kinds of its characters.",
    ),
    BeforeValidator(_prepared),
]
Name = Annotated[str, _text(LONGEST_NAME, "What to call the person."), _kept(one_line)]
MailedToken = Annotated[str, Field(min_length=1, max_length=LONGEST_TOKEN, description="The token of the mailed link.")]


class Registration(Body):
    """A new account."""

    email: NewEmail
    password: NewPassword
    full_name: Name = ""


class Credentials(Body):
    """An account and its password."""

    email: Email
    password: Password
    remember: Annotated[bool, Field(description="Whether the browser's session outlives an hour without use.")] = False


class Logout(Body):
    """What to end besides what the request proves itself with."""

    refresh_token: Annotated[
        str | None,
        Field(max_length=LONGEST_TOKEN, description="A refresh token of a first-party client, whose session ends."),
    ] = None
    logout_all_devices: Annotated[bool, Field(description="Whether every session of the person ends.")] = False


class ProfileChange(Body):
    """What people may change of themselves; members that are left out stay as they are."""

    full_name: Name = ""
    username: Annotated[str, Field(max_length=64)] = ""
    avatar_url: Annotated[
        str | None, Field(max_length=2000, description="An https address; null takes it away, and an uploaded photo.")
    ] = None
    bio: Annotated[str, _text(LONGEST_BIO, "A few lines about the person."), _kept(some_lines)] = ""
    locale: Annotated[str, Field(json_schema_extra={"enum": ["ko", "en"]})] = ""
    timezone: Annotated[str, Field(max_length=64, description="A name such as Asia/Seoul.")] = ""

    def given(self) -> dict[str, str]:
        """The members that were sent."""
        return {name: getattr(self, name) or "" for name in self.model_fields_set}


class MailedLink(Body):
    """A token that came by mail."""

    token: MailedToken


class ForgottenPassword(Body):
    """Whose password is forgotten."""

    email: Email


class PasswordReset(Body):
    """A new password, by a token that came by mail."""

    token: MailedToken
    password: NewPassword


class PasswordChange(Body):
    """A new password for the present one, or the first one of an account that has none."""

    current_password: PresentPassword = NOT_GIVEN
    new_password: NewPassword


class EmailChange(Body):
    """A new address, and what proves who asks."""

    email: NewEmail
    current_password: PresentPassword = NOT_GIVEN


class Place(Query):
    """Which part of a list."""

    limit: Annotated[
        int, Field(ge=1, le=MOST_SESSIONS, description="How many at most."), BeforeValidator(read_number)
    ] = 20
    cursor: Annotated[
        str | None, Field(max_length=200, description="The `next` of the answer before; nothing for the first.")
    ] = None


class AccessToken(Answer):
    """A new access token; the refresh token stands in the answer's cookie."""

    access_token: str
    token_type: Annotated[str, Field(json_schema_extra={"const": "Bearer"})]
    expires_in: Annotated[int, Field(description="Seconds; 900 for a new token.")]


class User(Answer):
    """A person. What the token's scopes do not cover is null: e-mail needs `email` or `read:profile`, groups and
    workspaces need `read:groups`."""

    id: str
    username: str
    full_name: str
    email: str | None
    email_verified: bool | None
    avatar_url: str | None
    bio: str
    locale: str
    timezone: str
    subscription_plan: str
    is_admin: bool
    group_id: str | None
    group_name: str | None
    role_id: str | None
    role_name: str | None
    permissions: list[str]
    groups: list[str] | None
    workspaces: list[str] | None
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None


class RegisteredUser(AccessToken):
    """A new account, logged in."""

    user: User


class Session(Answer):
    """A browser or device in which the person is logged in."""

    session_id: str
    device_name: str
    ip_address: str
    user_agent: str
    created_at: datetime
    last_accessed: datetime
    access_count: int
    current: Annotated[bool, Field(description="Whether the request's own token belongs to it.")]


class SessionList(Answer):
    """The person's open sessions, the latest used first."""

    user_id: str
    active_sessions: Annotated[int, Field(description="How many there are in all.")]
    sessions: list[Session]
    next: Annotated[str | None, Field(description="The `cursor` of the next part; null at the end.")]


class LoggedOut(Answer):
    """The person is logged out."""

    status: Annotated[str, Field(json_schema_extra={"const": "success"})] = "success"
    message: str
    logout_all_devices: Annotated[bool, Field(description="Whether every session of the person ended.")]
    timestamp: datetime


class LoggedOutEverywhere(Answer):
    """What a logout on all devices ended."""

    status: Annotated[str, Field(json_schema_extra={"const": "success"})] = "success"
    message: str
    tokens_blacklisted: Annotated[int, Field(description="Access tokens that would still have been good.")]
    sessions_invalidated: int
    timestamp: datetime


class Done(Answer):
    """It is done."""

    status: Annotated[str, Field(json_schema_extra={"const": "success"})] = "success"
    message: str


class FieldProblem(Answer):
    """What is wrong with one member."""

    field: str
    message: str


class Refusal(Answer):
    """Every refusal of the API. `error` and the sentences are constants; nothing that was sent is repeated in them."""

    CODES: ClassVar = (
        "invalid_request",
        "invalid_input",
        "unauthorized",
        "wrong_credentials",
        "invalid_token",
        "invalid_grant",
        "insufficient_scope",
        "reauthentication_required",
        "foreign_origin",
        "not_found",
        "last_way_in",
        "link_gone",
        "idempotency_key_reused",
        "too_many_attempts",
        "unavailable",
        "temporarily_unavailable",
        "server_error",
    )

    error: Annotated[str, Field(json_schema_extra={"enum": list(CODES)})]
    error_description: Annotated[str, Field(description="An English sentence for developers.")]
    request_id: Annotated[str, Field(description="The same as in X-Request-ID and in the portal's log.")]
    fields: Annotated[list[FieldProblem], Field(default_factory=list, description="Only with `invalid_input`.")]
