"""Verifying the audit log: a part at a time, each asked for by a form that brings along how far it came.

A browser with scripts sends that form by itself; in another one presses its button.
"""

from datetime import datetime

from flask import request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.admin.pages import Answer, PlainForm, show
from app.admin.record.audit import audit_desk, bp
from app.errors import InvalidInput, sentence
from app.languages import gettext as _
from app.services.record.walking import Walk
from app.wiring import services

LONGEST_SECONDS = 3600
NO_PLACE = sentence("It was begun too long ago to go on. Begin again.")


@bp.route("/verify", methods=["GET", "POST"])
def verify() -> Answer:
    """Say what is verified; verify the first part, or the next one."""
    form = PlainForm()
    if not form.is_submitted():
        return _page(form)
    if not form.validate():
        return _page(form), 400
    mark = request.form.get("mark", "")
    try:
        walk = Walk.read(_serializer().loads(mark, max_age=LONGEST_SECONDS)) if mark else None
        return _page(form, services.walks.go_on(walk, audit_desk.acting()))
    except BadSignature:
        form.form_errors.append(_(NO_PLACE))
    except InvalidInput as refusal:
        form.form_errors.append(_(refusal.message))
    return _page(form), 400


def _page(form: PlainForm, walk: Walk | None = None) -> str:
    return show(
        "record/verify",
        form,
        walk=walk,
        first_at=_moment(walk.first_at) if walk else None,
        last_at=_moment(walk.last_at) if walk else None,
        signed_at=_moment(walk.signed_at) if walk else None,
        mark=_serializer().dumps(walk.told()) if walk and not walk.is_over else "",
    )


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(services.settings.signing_secrets, salt="verified-so-far")
