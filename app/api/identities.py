"""Identities at providers: what is linked with the person's account, a new link, and the end of one.

The browser itself goes to a provider and back; what a script asks for here is an address to send it to. Those addresses
(:data:`pages`) are answered by :mod:`app.social` and described here.
"""

from app.api.bearer import Person
from app.api.identity_models import (
    Departure,
    IdentityList,
    LinkAddress,
    LinkedIdentity,
    LinkWish,
    Proof,
    ProviderChoice,
    ProviderResponse,
    WhichIdentity,
)
from app.api.models import Done
from app.api.operations import Access, Routes
from app.api.people import WITHIN_EMAIL
from app.api.presence import prove_presence_lately
from app.errors import InvalidInput, NotFound
from app.services.identities.identities import LinkedIdentity as Linked
from app.services.identities.requests import Way
from app.web.providers import provider_buttons, provider_title
from app.web.security import caller, safe_path
from app.wiring import services

TAG = "Linked accounts"
LIST_PAGE = "/account/identities"
routes, pages = Routes(TAG), Routes(TAG)


@routes("GET", "/identities", Access.BEARER, answer=IdentityList)
def identities(person: Person) -> IdentityList:
    """By what the person logs in, and which providers the portal works with."""
    reads_email = bool(WITHIN_EMAIL & person.scopes)
    return IdentityList(
        has_password=services.accounts.has_password(person.id),
        identities=[_shown(each, reads_email=reads_email) for each in services.identities.of(person.id)],
        providers=[ProviderChoice(name=each.name, title=provider_title(each.name)) for each in provider_buttons()],
    )


@routes("POST", "/link/<provider>", Access.BEARER, body=LinkWish, answer=LinkAddress, refusals=(404,))
def link(person: Person, provider: str, body: LinkWish) -> LinkAddress:
    """An address that sends the browser to a provider, to link with the account what comes back.

    It is of use only in a browser in which the person is logged in at the portal, once, for half an hour.
    """
    if provider not in services.settings.providers.names:
        raise NotFound
    if body.next is not None and safe_path(body.next) != body.next:
        raise InvalidInput("This must be a path of the portal.", "next")
    prove_presence_lately(person, body.current_password)
    way = Way(next_path=body.next or f"{LIST_PAGE}?linked={provider}")
    ticket = services.provider_requests.issue_ticket(provider, person.id, person.session_id, way)
    return LinkAddress(authorization_url=f"{services.settings.issuer}/auth/{provider}?link={ticket}")


@routes(
    "DELETE", "/unlink/<provider>", Access.BEARER, query=WhichIdentity, body=Proof, answer=Done, refusals=(404, 409)
)
def unlink(person: Person, provider: str, query: WhichIdentity, body: Proof) -> Done:
    """End the account's links with a provider, or one of them.

    Sessions that came of it end, but for that of the token. The last way to log in cannot be removed.
    """
    prove_presence_lately(person, body.current_password)
    services.identities.remove(
        person.id, provider, caller(), identity_id=query.identity_id or "", keep_session_id=person.session_id or None
    )
    return Done(message="The link has ended.")


@pages("GET", "/<provider>", Access.PAGE, query=Departure, status=302)
def start(provider: str) -> None:
    """Send the browser to a provider, to log in.

    With `interaction` on behalf of the authorization request that waits, with `next` back to a path of the portal. What
    goes wrong is said on a page that leads back.
    """


@pages("GET", "/<provider>/callback", Access.PAGE, query=ProviderResponse, status=303)
def callback(provider: str) -> None:
    """Where a provider sends the browser back to.

    The login goes on from here: to the application that waits, to a page of the portal, or to what is still to be
    asked. Register this address, or the same below `/auth` or `/api/auth`, with the provider.
    """


def _shown(identity: Linked, *, reads_email: bool) -> LinkedIdentity:
    return LinkedIdentity(
        id=identity.id,
        provider=identity.provider,
        title=provider_title(identity.provider),
        email=identity.email if reads_email else None,
        email_verified=identity.email_verified if reads_email else None,
        name=identity.name,
        created_at=identity.created_at,
        last_used_at=identity.last_used_at,
    )
