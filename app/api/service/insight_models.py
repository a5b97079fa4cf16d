"""What the service API reads and answers about how applications fare, as pydantic models (:mod:`app.api.models`)."""

from typing import Annotated

from pydantic import Field, StringConstraints

from app.api.models import Answer, Body
from app.api.service.asked import LONGEST_VALUE, ClientId
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
