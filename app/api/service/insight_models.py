"""What the service API reads and answers about how applications fare, as pydantic models (:mod:`app.api.models`)."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from app.api.models import Answer, Body
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
