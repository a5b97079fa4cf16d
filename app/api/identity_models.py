"""What the API reads and answers about identities at providers, and the proofs that changing them takes."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from app.api.models import NOT_GIVEN, Answer, Body, Password, Query


class Proof(Body):
    """What proves that it is still the person who asks."""

    current_password: Annotated[
        Password, Field(description="Not needed if the login of the token's session is of a few minutes ago.")
    ] = NOT_GIVEN


class LinkWish(Proof):
    """Where to go on after a link was made."""

    next: Annotated[
        str | None, Field(max_length=2000, description="A path of the portal; the list of linked accounts if left out.")
    ] = None


class WhichIdentity(Query):
    """Which of several identities of one provider."""

    identity_id: Annotated[str | None, Field(max_length=36, description="Its `id`; all of them if left out.")] = None


class Departure(Query):
    """Where somebody who logs in by a provider goes on afterwards."""

    interaction: Annotated[str | None, Field(description="The authorization request that waits.")] = None
    next: Annotated[str | None, Field(description="A path of the portal.")] = None


class ProviderResponse(Query):
    """What a provider sends the browser back with."""

    state: Annotated[str | None, Field(description="What the browser was sent away with.")] = None
    code: Annotated[str | None, Field(description="What the portal asks the provider with, in success.")] = None
    error: Annotated[str | None, Field(description="Why there is none.")] = None
    iss: Annotated[str | None, Field(description="Who answers, by providers that say so (RFC 9207).")] = None


class LinkedIdentity(Answer):
    """Somebody at a provider, by which the person logs in. Without `email` or `read:profile` in the token's scopes
    its e-mail is null."""

    id: str
    provider: str
    title: Annotated[str, Field(description="What people call the provider, in the language of the request.")]
    email: str | None
    email_verified: Annotated[bool | None, Field(description="Whether the provider says so; it decides nothing.")]
    name: str
    created_at: datetime
    last_used_at: datetime


class ProviderChoice(Answer):
    """A provider that can be linked."""

    name: str
    title: str


class IdentityList(Answer):
    """By what the person logs in."""

    has_password: bool
    identities: Annotated[list[LinkedIdentity], Field(description="The oldest link first.")]
    providers: Annotated[list[ProviderChoice], Field(description="Those the portal works with, in the usual order.")]


class LinkAddress(Answer):
    """Where to send the browser in which the person is logged in at the portal; good once, for half an hour."""

    authorization_url: str
