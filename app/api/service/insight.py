"""How applications fare: what to think of their addresses."""

from dataclasses import asdict

from app.api.operations import Access, Routes
from app.api.service.insight_models import AddressAsked, AddressVerdict
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
