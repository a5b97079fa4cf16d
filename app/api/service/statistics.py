"""The portal in figures."""

from datetime import timedelta

from app.api.operations import Access, Routes
from app.api.service.answers import Counts, Figures
from app.api.service.asked import Span
from app.api.service_token import Service
from app.wiring import services

routes = Routes("Service: statistics")
STEPS = {"24h": (timedelta(hours=1), 24), "7d": (timedelta(days=1), 7), "30d": (timedelta(days=1), 30)}


@routes("GET", "/statistics", Access.SERVICE, scopes=("admin:oauth",), query=Span, answer=Figures)
def statistics(service: Service, query: Span) -> Figures:
    """Clients, users, sessions and tokens in figures, and what happened over time."""
    found = services.statistics.figures(*STEPS[query.period])
    return Figures(
        at=found.at,
        clients=found.clients,
        users=found.users,
        sessions=found.sessions,
        tokens=found.tokens,
        history=[Counts(begin=span.begin, end=span.end, **span.counts) for span in found.history],
    )
