"""The secrets of an application: since when each counts and until when, a new one, and the end of one.

A secret is shown in the answer to the form that made it, and nowhere else. The rules are those of ``clients
rotate-secret`` and ``clients end-secret``.
"""

from datetime import timedelta

from flask_login import fresh_login_required
from wtforms import HiddenField, SelectField

from app.admin.clients.changing import changeable
from app.admin.clients.client import is_within_reach
from app.admin.clients.forms import choices
from app.admin.clients.listing import bp, clients_desk
from app.admin.clients.undoing import stamp
from app.admin.clients.words import DAY, HOUR
from app.admin.pages import Answer, PlainForm, done, show
from app.errors import InvalidInput, NotFound, sentence
from app.languages import lazy_gettext as _l
from app.services.clients.clients import SECRETLESS
from app.services.clients.records import ClientRecord
from app.services.clients.secrets import NO_SUCH, SecretDescription
from app.web.forms import Form, put_beside
from app.wiring import services

OVERLAPS = {
    DAY: _l("1 day"),
    7 * DAY: _l("7 days"),
    30 * DAY: _l("30 days"),
    HOUR: _l("1 hour"),
    0: _l("Not at all: it ends at once"),
}
ENDED = sentence("The secret has ended. Whoever still sends it is refused.")
MEANWHILE = sentence("The application was changed in the meantime. No secret was made. Look at its secrets first.")
ONLY_ONE = sentence("This is the only secret. Make a new one first.")


class RotationForm(Form):
    """How long the secret before the new one still counts; ``seen`` keeps a form that is sent twice from making two."""

    overlap = SelectField(_l("How long the secret before it still counts"), choices=choices(OVERLAPS), coerce=int)
    seen = HiddenField()

    @property
    def is_typed(self) -> bool:
        """A choice that is made again as quickly is no draft."""
        return False


@bp.get("/<client_id>/secrets")
def secrets(client_id: str) -> str:
    """Since when each secret counts, and until when."""
    client = services.clients.get(client_id)
    found = services.clients.secrets_of(client_id)
    return show("clients/secrets/secrets", client=client, secrets=found, is_within_reach=is_within_reach(client))


@bp.route("/<client_id>/secrets/new", methods=["GET", "POST"])
@fresh_login_required
def new_secret(client_id: str) -> Answer:
    """Say what a new secret does to the one before it; make it, and show it this once."""
    client, form = changeable(client_id), RotationForm()
    if not client.is_confidential or client.signs:
        return done(SECRETLESS, "admin_clients.secrets", client_id=client_id)
    if form.is_submitted() and form.validate():
        try:
            if form.seen.data != stamp(client):
                raise InvalidInput(MEANWHILE)
            overlap = timedelta(seconds=form.overlap.data)
            secret = services.clients.rotate_secret(client_id, clients_desk.acting(), overlap=overlap)
            return show("clients/secrets/shown", client=client, secret=secret, issuer=services.settings.issuer)
        except InvalidInput as refusal:
            put_beside(form, refusal, "overlap")
    form.seen.data = stamp(client)
    page = show("clients/secrets/new", form, client=client, secrets=services.clients.secrets_of(client_id))
    return (page, 400) if form.errors else page


@bp.route("/<client_id>/secrets/<uuid:secret_id>/end", methods=["GET", "POST"])
@fresh_login_required
def end_secret(client_id: str, secret_id: object) -> Answer:
    """Say whom the end of a secret locks out, and end it."""
    client, form, own_id = changeable(client_id), PlainForm(), str(secret_id)
    secret, others = _one_of(client, own_id)
    if form.is_submitted() and form.validate():
        services.clients.end_secret(client_id, own_id, clients_desk.acting())
        return done(ENDED, "admin_clients.secrets", client_id=client_id)
    page = show("clients/secrets/end", form, client=client, secret=secret, other=others[0])
    return (page, 400) if form.errors else page


def _one_of(client: ClientRecord, secret_id: str) -> tuple[SecretDescription, list[SecretDescription]]:
    """A secret, and those beside it; raises :class:`NotFound`, and :class:`InvalidInput` for the only one."""
    found = services.clients.secrets_of(client.client_id)
    secret = next((each for each in found if each.id == secret_id), None)
    if secret is None:
        raise NotFound(NO_SUCH)
    if len(found) == 1:
        raise InvalidInput(ONLY_ONE)
    return secret, [each for each in found if each.id != secret_id]
