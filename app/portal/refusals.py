"""The pages that ``error_uri`` leads to: what an error means and, with the id from the answer, why it was given."""

import shlex
from typing import Any

from flask import Blueprint, Response, abort, jsonify, make_response, render_template, request

from app.languages import gettext as _
from app.services.clients.differences import visible
from app.services.record.explanations import Explanation
from app.web.protocol.causes import CAUSES, COMMANDS, FACTS, FIXES
from app.web.protocol.topics import TOPICS, Topic
from app.wiring import services

bp = Blueprint("refusals", __name__)


@bp.get("/errors/<topic>")
@bp.get("/errors/<topic>/<kept_id>")
def explained(topic: str, kept_id: str = "") -> Response:
    """The error in general; with an id, what its client may know of this one."""
    known = TOPICS.get(topic)
    if known is None:
        abort(404)
    found = services.explanations.find(kept_id) if kept_id else None
    if found is not None and found.topic != topic:
        found = None
    if request.accept_mimetypes.best_match(("text/html", "application/json")) == "application/json":
        response = jsonify(_as_json(known, found))
    else:
        facts = _facts(found) if found else []
        cause = CAUSES.get(found.cause.check) if found else None
        page = render_template(
            "portal/refusal.html",
            topic=known,
            found=found,
            cause=cause,
            fix=FIXES.get(found.cause.check) if found else None,
            command=_command(found) if found else None,
            facts=facts,
            is_gone=bool(kept_id and not found),
        )
        response = make_response(page)
    response.headers["Vary"] = "Accept, Accept-Language, Cookie"
    return response


def _facts(found: Explanation) -> list[tuple[str, str]]:
    facts = found.cause.facts.items()
    return [
        (_(FACTS[name]), _("None") if value == "" else visible(str(value))) for name, value in facts if name in FACTS
    ]


def _command(found: Explanation) -> tuple[str, str] | None:
    """What an operator may type to mend it, with what it does."""
    if found.cause.check not in COMMANDS:
        return None
    title, text = COMMANDS[found.cause.check]
    scopes = str(found.cause.facts.get("sent", "")).split()
    if "{add_scopes}" in text and (not scopes or "…" in scopes):
        return None
    added = " ".join(f"--add-scope {shlex.quote(scope)}" for scope in scopes)
    return title, "flask --app wsgi " + text.format(add_scopes=added, client_id=shlex.quote(found.client_id))


def _as_json(known: Topic, found: Explanation | None) -> dict[str, Any]:
    said: dict[str, Any] = {
        "error": known.error,
        "title": _(known.title),
        "checks": [_(check) for check in known.checks],
        "clause": known.clause,
    }
    if found is None:
        return said
    cause = found.cause
    said["refusal"] = {
        "check": cause.check,
        "sentence": _(CAUSES[cause.check]) if cause.check in CAUSES else "",
        "fix": _(FIXES[cause.check]) if cause.check in FIXES else "",
        "facts": dict(cause.facts),
        "client_id": found.client_id,
        "request_id": found.request_id,
        "at": found.at.isoformat(timespec="seconds"),
    }
    return said
