"""What applications hold, and access tokens that were ended before their time."""

from dataclasses import asdict

from app.api.operations import Access, Routes
from app.api.service.answers import Denied, DeniedList, Ended, Grant, GrantList, counted
from app.api.service.asked import DeniedWanted, GrantsWanted, Revocation
from app.api.service_token import Service
from app.errors import InvalidInput
from app.services.oversight.grants import State, WantedDenied, WantedGrants
from app.wiring import services

routes = Routes("Service: tokens")
SCOPES = ("admin:oauth",)
REVOKED = "revoked_by_administrator"
ONE_OF_THEM = "Name exactly one of token, grant_id, user_id and client_id."


@routes("GET", "/tokens", Access.SERVICE, scopes=SCOPES, query=GrantsWanted, answer=GrantList)
def tokens(service: Service, query: GrantsWanted) -> GrantList:
    """What applications hold for people: a row for each authorization, those that would last longest first."""
    state = State(query.state) if query.state else None
    wanted = WantedGrants(query.user_id, query.client_id, query.session_id, query.jti, state)
    page = services.grants.grants(wanted, limit=query.limit, after=query.cursor)
    count = counted(services.grants.count_grants(wanted)) if query.count else None
    shown = [Grant(**asdict(each)) for each in page.items]
    return GrantList(tokens=shown, next=page.next, previous=page.previous, count=count)


@routes("GET", "/tokens/denylist", Access.SERVICE, scopes=SCOPES, query=DeniedWanted, answer=DeniedList)
def denylist(service: Service, query: DeniedWanted) -> DeniedList:
    """Access tokens that were ended before their time and have not expired, the last denied first."""
    wanted = WantedDenied(query.user_id, query.client_id, query.jti, query.reason)
    page = services.grants.denied(wanted, limit=query.limit, after=query.cursor)
    count = counted(services.grants.count_denied(wanted)) if query.count else None
    shown = [Denied(**asdict(each)) for each in page.items]
    return DeniedList(denylist=shown, next=page.next, previous=page.previous, count=count)


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
