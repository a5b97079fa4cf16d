"""How applications fare: what to think of their addresses, and what their tokens would say."""

from dataclasses import asdict

from app.api.operations import Access, Routes
from app.api.service.insight_models import (
    AddressAsked,
    AddressVerdict,
    Ending,
    Fared,
    Health,
    OverTime,
    Period,
    PreviewAsked,
    Refusals,
    RefusedClient,
    TokenPreview,
    Waiting,
)
from app.api.service_token import Service
from app.services.oversight.client_health import Failures, Span
from app.services.oversight.statistics_over_time import Refused
from app.web.protocol.refusals import explained
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


@routes("GET", "/clients/<client_id>/health", Access.SERVICE, scopes=SCOPES, answer=Health, refusals=(404,))
def client_health(service: Service, client_id: str) -> Health:
    """How a client fares: what succeeded and failed, what of its registration nobody uses, and what to change."""
    found = services.client_health.of(client_id)
    said = asdict(found)
    said["last_failure"] = _refusals(found.last_failure) if found.last_failure else None
    said["spans"] = {name: _fared(span) for name, span in found.spans.items()}
    return Health(**said)


@routes("GET", "/statistics/over-time", Access.SERVICE, scopes=SCOPES, answer=OverTime)
def statistics_over_time(service: Service) -> OverTime:
    """Logins, refusals and tokens by the hour and by the day, what ends soon, and what waits to leave."""
    found = services.statistics_over_time.figures()
    hours, days = (
        [Period(begin=each.begin, end=each.end, open_sessions=each.open_sessions, **each.counts) for each in periods]
        for periods in (found.hours, found.days)
    )
    return OverTime(
        at=found.at,
        counted_since=found.counted_since,
        hours=hours,
        days=days,
        refused={span: [_refused(each) for each in rows] for span, rows in found.refused.items()},
        open_sessions=found.open_sessions.count,
        ending=[Ending(**asdict(each)) for each in found.ending],
        queues=[Waiting(**asdict(each)) for each in found.queues],
    )


def _fared(span: Span) -> Fared:
    failures = [_refusals(each) for each in span.failures]
    return Fared(
        successes=span.successes, failed=span.failed, issued=span.issued, failures=failures, declined=span.declined
    )


def _refusals(failures: Failures) -> Refusals:
    return Refusals(**asdict(failures), sentence=explained(failures.cause))


def _refused(refused: Refused) -> RefusedClient:
    return RefusedClient(**asdict(refused), sentence=explained(refused.cause))
