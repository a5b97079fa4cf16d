"""How applications fare: what to think of their addresses, and what their tokens would say."""

from dataclasses import asdict

from app.api.operations import Access, Routes
from app.api.service.insight_models import AddressAsked, AddressVerdict, PreviewAsked, TokenPreview
from app.api.service_token import Service
from app.wiring import services

routes = Routes("Service: clients")
SCOPES = ("admin:oauth",)


@routes(
    "POST",
    "/redirect-uri-advice",
    Access.SERVICE,
    scopes=SCOPES,
    body=AddressAsked,
    answer=AddressVerdict,
    refusals=(404,),
    is_question=True,
)
def advise_on_redirect_uri(service: Service, body: AddressAsked) -> AddressVerdict:
    """What to think of a redirect URI, and how silent login works from there. Nothing is changed.

    It is sent in the body, as what somebody has typed may hold a password, and addresses stand in logs.
    """
    return AddressVerdict(**asdict(services.redirect_advice.about(body.uri, body.type, body.client_id)))


@routes(
    "POST",
    "/clients/<client_id>/token-preview",
    Access.SERVICE,
    scopes=("admin:users",),
    body=PreviewAsked,
    answer=TokenPreview,
    refusals=(404,),
)
def preview_tokens(service: Service, client_id: str, body: PreviewAsked) -> TokenPreview:
    """What a person's tokens for a client would say, what would not be granted and why, and what would be asked first.

    Nothing is issued. It shows what is personal, so it goes on record, and its person sees that.
    """
    found = services.token_previews.of(client_id, body.user, body.scope, service.caller)
    return TokenPreview(**asdict(found))
