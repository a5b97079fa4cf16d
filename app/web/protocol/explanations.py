"""The addresses in ``error_uri``: of the page that says what an error means, and for some why it was given.

What the portal knows beyond its answer it tells under an id that only the answer holds: to a client that proved itself,
to whoever develops a client, and to the holder of a token what that very token says.
"""

from typing import Any

from flask import g

from app.errors import Cause
from app.services.tokens.tokens import ACCESS_TYPE, SKEW_SECONDS, InvalidToken
from app.web.protocol.topics import topic_of
from app.wiring import services


def address(error: str, description: str, cause: Cause | None, told_id: str, otherwise: str = "request") -> str:
    """The ``error_uri`` of an answer (:rfc:`6749#section-5.2`), with what the client ``told_id`` may know of it.

    Without one it is a constant of the answer, and nothing is kept.
    """
    topic = topic_of(error, description, otherwise)
    place = f"{services.settings.issuer}/errors/{topic}"
    if cause is None or not told_id:
        return place
    kept_id = services.explanations.keep(topic, cause, told_id, g.get("request_id", ""))
    return f"{place}/{kept_id}" if kept_id else place


def of_bearer(error: str, description: str, token: str, cause: Cause | None = None) -> str:
    """The ``error_uri`` of a challenge (:rfc:`6750#section-3`), with what ``token`` says where it is one of ours."""
    said = _said_by(token)
    holder = str(said.get("client_id") or said.get("aud") or "") if said else ""
    return address(error, description, cause or (_of_token(said) if said else None), holder)


def _said_by(token: str) -> dict[str, Any]:
    """What a token of ours says, its type with it; nothing for any other."""
    try:
        return services.tokens.said_by(token)
    except InvalidToken:
        return {}


def _of_token(said: dict[str, Any]) -> Cause | None:
    """Why a token that the portal signed is no access token that counts, as far as it says so itself."""
    issuer, now = services.settings.issuer, int(services.clock().timestamp())
    if said["typ"] != ACCESS_TYPE or said.get("aud") != issuer:
        facts = {"kind": str(said["typ"]), "sent": str(said.get("aud", "")), "expected": issuer}
        return Cause("token_kind", facts)
    exp, iat = int(said.get("exp", 0)), int(said.get("iat", 0))
    if exp <= now:
        return Cause("token_expired", {"exp": exp, "now": now, "seconds_ago": now - exp})
    if iat > now + SKEW_SECONDS:
        return Cause("token_iat", {"iat": iat, "now": now, "seconds_ahead": iat - now})
    return None
