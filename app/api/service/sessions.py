"""Signed-in browsers of everybody."""

from dataclasses import asdict

from app.api.inputs import row_id
from app.api.models import Done
from app.api.operations import Access, Routes
from app.api.service.answers import SeenSession, SeenSessions, counted
from app.api.service.asked import SessionsWanted
from app.api.service_token import Service
from app.errors import NotFound
from app.services.oversight.grants import State, WantedSessions
from app.wiring import services

routes = Routes("Service: sessions")
SCOPES = ("admin:oauth",)
ENDED = "ended_by_administrator"


@routes("GET", "/sessions", Access.SERVICE, scopes=SCOPES, query=SessionsWanted, answer=SeenSessions)
def list_sessions(service: Service, query: SessionsWanted) -> SeenSessions:
    """Sessions of everybody, a person, an application or a network, those that would last longest first."""
    wanted = WantedSessions(query.user_id, query.client_id, query.ip, State(query.state) if query.state else None)
    page = services.grants.sessions(wanted, limit=query.limit, after=query.cursor)
    count = counted(services.grants.count_sessions(wanted)) if query.count else None
    shown = [SeenSession(**asdict(each)) for each in page.items]
    return SeenSessions(sessions=shown, next=page.next, previous=page.previous, count=count)


@routes("DELETE", "/sessions/<session_id>", Access.SERVICE, scopes=SCOPES, answer=Done, refusals=(404,))
def end_session(service: Service, session_id: str) -> Done:
    """End a session with all tokens that hang on it."""
    if not services.sessions.end(row_id(session_id), ENDED, service.caller):
        raise NotFound
    return Done(message="Session terminated")
