"""The person's sessions: where they are logged in, and ending that."""

from app.api.bearer import Person
from app.api.inputs import row_id
from app.api.models import Done, Place, Session, SessionList
from app.api.operations import Access, Routes
from app.errors import InvalidInput
from app.services.sessions.sessions import OpenSession
from app.web.security import caller
from app.wiring import services

routes = Routes("Sessions")
ENDED = "ended_by_person"


@routes("GET", "/sessions", Access.BEARER, query=Place, answer=SessionList)
def sessions(person: Person, query: Place) -> SessionList:
    """The person's open sessions, the latest used first."""
    try:
        page = services.sessions.page(person.id, limit=query.limit, after=query.cursor)
    except InvalidInput as refusal:
        raise InvalidInput(refusal.message, "cursor") from refusal
    return SessionList(
        user_id=person.id,
        active_sessions=page.total,
        sessions=[_shown(each, person) for each in page.items],
        next=page.next,
    )


@routes("DELETE", "/sessions/<session_id>", Access.BEARER, answer=Done, refusals=(404,))
def end(person: Person, session_id: str) -> Done:
    """End one of the person's sessions, with all tokens that hang on it."""
    services.sessions.end_own(person.id, row_id(session_id), ENDED, caller())
    return Done(message="Session terminated")


def _shown(session: OpenSession, person: Person) -> Session:
    return Session(
        session_id=session.id,
        device_name=session.device_name,
        ip_address=session.ip_address,
        user_agent=session.user_agent,
        created_at=session.created_at,
        last_accessed=session.last_used_at,
        access_count=session.access_count,
        current=session.id == person.session_id,
    )
