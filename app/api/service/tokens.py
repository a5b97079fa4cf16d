"""What applications hold, and access tokens that were ended before their time."""

from dataclasses import asdict

from app.api.operations import Access, Routes
from app.api.service.answers import Denied, DeniedList, Ended, Grant, GrantList
from app.api.service.asked import DeniedWanted, GrantsWanted, Revocation
from app.api.service_token import Service
from app.errors import InvalidInput
from app.services.oversight.grants import State
from app.wiring import services

routes = Routes("Service: tokens")
SCOPES = ("admin:oauth",)
REVOKED = "revoked_by_administrator"
ONE_OF_THEM = "Name exactly one of token, grant_id, user_id and client_id."


@routes("GET", "/tokens", Access.SERVICE, scopes=SCOPES, query=GrantsWanted, answer=GrantList)
def tokens(service: Service, query: GrantsWanted) -> GrantList:
    """What applications hold for people: a row for each authorization, those that would last longest first."""
    page = services.grants.grants(
        user_id=query.user_id,
        client_id=query.client_id,
        state=State(query.state) if query.state else None,
        limit=query.limit,
        after=query.cursor,
    )
    return GrantList(tokens=[Grant(**asdict(each)) for each in page.items], next=page.next)


@routes("GET", "/tokens/denylist", Access.SERVICE, scopes=SCOPES, query=DeniedWanted, answer=DeniedList)
def denylist(service: Service, query: DeniedWanted) -> DeniedList:
    """Access tokens that were ended before their time and have not expired, the last denied first."""
    page = services.grants.denied(
        user_id=query.user_id, client_id=query.client_id, limit=query.limit, after=query.cursor
    )
    return DeniedList(denylist=[Denied(**asdict(each)) for each in page.items], next=page.next)


@routes("POST", "/tokens/revoke", Access.SERVICE, scopes=SCOPES, body=Revocation, answer=Ended, refusals=(404,))
def revoke_tokens(service: Service, body: Revocation) -> Ended:
    """End tokens at once, everywhere. A refresh token takes everything of its grant along.

    Sessions go on: whoever is logged in can get new tokens.
    """
    named = (body.token, body.grant_id, body.user_id, body.client_id)
    if named.count(None) != len(named) - 1:
        raise InvalidInput(ONE_OF_THEM, "token")
    if body.token is not None:
        return Ended(ended=int(services.bearer.revoke_any(body.token, REVOKED, service.caller)))
    if body.grant_id is not None:
        return Ended(ended=int(services.revocations.end_family(body.grant_id, REVOKED, service.caller)))
    if body.user_id is not None:
        person = services.directory.one(body.user_id).entry
        return Ended(ended=services.revocations.end_user(person.id, REVOKED, service.caller))
    client = services.clients.get(body.client_id or "")
    return Ended(ended=services.revocations.end_client(client.client_id, REVOKED, service.caller))
