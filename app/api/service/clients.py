"""Registered applications."""

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from app.api.inputs import row_id
from app.api.models import Done
from app.api.operations import Access, Routes
from app.api.service.answers import Client, ClientList, ClientSecret, ClientWithSecret, Secret, WholeClient, counted
from app.api.service.asked import ClientChange, ClientsWanted, NewClient, Rotation
from app.api.service_token import Service
from app.services.clients.records import ClientRecord
from app.services.clients.registration import CREATED_AS
from app.services.oversight.applications import WantedClients
from app.wiring import services

routes = Routes("Service: clients")
SCOPES = ("admin:oauth",)


@routes("GET", "/clients", Access.SERVICE, scopes=SCOPES, query=ClientsWanted, answer=ClientList)
def clients(service: Service, query: ClientsWanted) -> ClientList:
    """Registered clients, the newest first."""
    days = query.secret_ends_in_days
    wanted = WantedClients(
        search=query.search,
        is_active=query.is_active,
        is_confidential=query.is_confidential,
        is_first_party=query.is_first_party,
        consent_policy=query.consent_policy,
        in_development=query.in_development,
        owner_id=query.owner_id,
        scope=query.scope,
        grant_type=query.grant_type,
        secret_ends_within=None if days is None else timedelta(days=days),
    )
    page = services.applications.page(wanted, limit=query.limit, after=query.cursor)
    count = counted(services.applications.count(wanted)) if query.count else None
    return ClientList(
        clients=[_shown(each) for each in page.items], next=page.next, previous=page.previous, count=count
    )


@routes("POST", "/clients", Access.SERVICE, scopes=SCOPES, body=NewClient, answer=ClientWithSecret, status=201)
def create_client(service: Service, body: NewClient) -> ClientWithSecret:
    """Register a client. The secret of a confidential one is shown once.

    Scopes of services can be given by a token that has them.
    """
    given = body.given()
    service.require_power_over(body.client_id, (), given.get("allowed_scopes", ()))
    is_active = given.pop("is_active", True)
    named = {CREATED_AS.get(column, column): value for column, value in given.items()}
    secret = services.clients.create(body.client_id, **named, caller=service.caller)
    if not is_active:
        services.clients.disable(body.client_id, service.caller)
    return ClientWithSecret(**_shown(services.clients.get(body.client_id)).model_dump(), client_secret=secret)


@routes("GET", "/clients/<client_id>", Access.SERVICE, scopes=SCOPES, answer=WholeClient, refusals=(404,))
def client(service: Service, client_id: str) -> WholeClient:
    """One client, and how old its secrets are."""
    shown = _shown(services.clients.get(client_id)).model_dump()
    secrets = [Secret(**asdict(each)) for each in services.clients.secrets_of(client_id)]
    return WholeClient(**shown, secrets=secrets)


@routes(
    "PATCH",
    "/clients/<client_id>",
    Access.SERVICE,
    scopes=SCOPES,
    body=ClientChange,
    answer=ClientWithSecret,
    refusals=(404,),
)
def change_client(service: Service, client_id: str, body: ClientChange) -> ClientWithSecret:
    """Change a client: what is named replaces what there is. It counts at once.

    A client that becomes confidential gets a secret, shown once. One that may have scopes of services, or is to have
    them, is changed by a token that has them.
    """
    present, given = services.clients.get(client_id), body.given()
    service.require_power_over(client_id, present.allowed_scopes, _added(given, present))
    is_active = given.pop("is_active", present.is_active)
    secret = services.clients.update(client_id, given, service.caller).secret if given else None
    if is_active != present.is_active:
        act = services.clients.enable if is_active else services.clients.disable
        act(client_id, service.caller)
    return ClientWithSecret(**_shown(services.clients.get(client_id)).model_dump(), client_secret=secret)


@routes("DELETE", "/clients/<client_id>", Access.SERVICE, scopes=SCOPES, answer=Done, refusals=(404,))
def delete_client(service: Service, client_id: str) -> Done:
    """Remove a client for good, with its consents and tokens, which end at once."""
    present = services.clients.get(client_id)
    service.require_power_over(client_id, present.allowed_scopes)
    services.clients.delete(client_id, service.caller)
    return Done(message="Client deleted")


@routes(
    "POST",
    "/clients/<client_id>/regenerate-secret",
    Access.SERVICE,
    scopes=SCOPES,
    body=Rotation,
    answer=ClientSecret,
    refusals=(404,),
)
def regenerate_secret(service: Service, client_id: str, body: Rotation) -> ClientSecret:
    """Replace a client's secret, at once or after an overlap in which both count. The new one is shown once.

    Of a client that may have scopes of services, by a token that has them, or by the client itself.
    """
    present = services.clients.get(client_id)
    service.require_power_over(client_id, present.allowed_scopes)
    overlap = timedelta(seconds=body.overlap_seconds)
    secret = services.clients.rotate_secret(client_id, service.caller, overlap=overlap)
    return ClientSecret(client_id=client_id, client_secret=secret)


@routes(
    "DELETE",
    "/clients/<client_id>/secrets/<secret_id>",
    Access.SERVICE,
    scopes=SCOPES,
    answer=Done,
    refusals=(404,),
)
def end_secret(service: Service, client_id: str, secret_id: str) -> Done:
    """End one of two secrets at once; where it was the newest, the one before it goes on without an end."""
    present = services.clients.get(client_id)
    service.require_power_over(client_id, present.allowed_scopes)
    services.clients.end_secret(client_id, row_id(secret_id), service.caller)
    return Done(message="Secret ended")


def _added(given: dict[str, Any], present: ClientRecord) -> list[str]:
    return [scope for scope in given.get("allowed_scopes", ()) if scope not in present.allowed_scopes]


def _shown(record: ClientRecord) -> Client:
    said = {name: getattr(record, name) for name in Client.model_fields}
    return Client(**{**said, "jwks": json.loads(record.jwks) if record.jwks else None})
