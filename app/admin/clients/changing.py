"""Parts of a registration, changed: what was typed is checked, what it changes is shown, then it counts at once.

The rule is that of ``clients update``: :meth:`app.services.clients.clients.Clients.update`. What can be taken back is
offered to be, for an hour and as long as nobody changed the application since.
"""

from typing import Any

from flask import request
from flask_login import current_user, fresh_login_required

from app.admin.clients.client import is_within_reach, scopes_of
from app.admin.clients.differing import Foreseen, advice, consequences, differences
from app.admin.clients.forms import AboutForm, AccessForm, AddressesForm, ProofForm, RegistrationForm, TokensForm
from app.admin.clients.listing import bp, clients_desk
from app.admin.clients.undoing import mark_of, stamp, undoable
from app.admin.clients.words import CONSENTS, GRANTS, METHODS
from app.admin.pages import Answer, PlainForm, asked, done, show
from app.errors import InvalidInput, sentence
from app.languages import current_language
from app.languages import gettext as _
from app.services.clients.clients import OWN, PORTAL, ClientRecord
from app.services.clients.scopes import SERVICE_PREFIX
from app.web.forms import put_beside
from app.wiring import services

CHANGED = sentence("The application is changed. It counts at once.")
THE_SAME = sentence("Nothing was changed: this is registered already.")
MEANWHILE = sentence("Meanwhile the application was changed elsewhere. Look again at what would differ.")
TOO_LATE = sentence("Nothing was changed: this can no longer be undone, or somebody changed the application since.")
UNDONE = sentence("It is as it was before.")


@bp.route("/<client_id>/about", methods=["GET", "POST"])
def about(client_id: str) -> Answer:
    """What people read of it, and who answers for it."""
    return _edit(client_id, AboutForm(), "about")


@bp.route("/<client_id>/addresses", methods=["GET", "POST"])
@fresh_login_required
def addresses(client_id: str) -> Answer:
    """Where browsers are led."""
    return _edit(client_id, AddressesForm(), "addresses")


@bp.route("/<client_id>/access", methods=["GET", "POST"])
@fresh_login_required
def access(client_id: str) -> Answer:
    """How it gets tokens, and what it may ask for."""
    return _edit(client_id, AccessForm(), "access")


@bp.route("/<client_id>/proof", methods=["GET", "POST"])
@fresh_login_required
def proof(client_id: str) -> Answer:
    """How it proves to be itself."""
    return _edit(client_id, ProofForm(), "proof")


@bp.route("/<client_id>/tokens", methods=["GET", "POST"])
@fresh_login_required
def tokens(client_id: str) -> Answer:
    """How long its tokens live."""
    return _edit(client_id, TokensForm(), "tokens")


@bp.route("/<client_id>/undo", methods=["GET", "POST"])
@fresh_login_required
def undo(client_id: str) -> Answer:
    """Show what would be as before, and make it so."""
    client, form = changeable(client_id), PlainForm()
    before = undoable(client, asked("mark"))
    if before is None:
        raise InvalidInput(TOO_LATE)
    if form.is_submitted() and form.validate():
        services.clients.update(client_id, before, clients_desk.acting())
        return done(UNDONE, "admin_clients.client", client_id=client_id)
    foreseen = services.clients.foresee(client_id, before)
    page = show("clients/undo", form, client=client, **_seen(client, foreseen))
    return (page, 400) if form.errors else page


def changeable(client_id: str) -> ClientRecord:
    """The application, if whoever is here may change it; raises :class:`OutOfPower`, :class:`NotFound`."""
    client = services.clients.get(client_id)
    if client_id == PORTAL:
        raise InvalidInput(OWN)
    if not is_within_reach(client):
        current_user.powers.require()
    return client


def _edit(client_id: str, form: RegistrationForm, section: str) -> Answer:
    client, foreseen = changeable(client_id), None
    if not form.is_submitted() and not form.is_draft:
        form.fill(client)
    if form.is_submitted() and form.validate():
        try:
            foreseen = services.clients.foresee(client_id, wanted := form.wanted(client))
            if not foreseen:
                return done(THE_SAME, "admin_clients.client", client_id=client_id)
            if form.seen.data != stamp(client):
                form.form_errors.append(_(MEANWHILE))
            elif form.sure.data or section == "about":
                return _made(client_id, wanted, foreseen)
        except InvalidInput as refusal:
            put_beside(form, refusal, form.fallback, **form.named)
    form.seen.data = stamp(client)
    page = show(
        f"clients/edit/{section}",
        form,
        client=client,
        grants=GRANTS,
        consents=CONSENTS,
        methods=METHODS,
        scopes=_scopes(client) if section == "access" else (),
        sent=list(request.form.items(multi=True)),
        **(_seen(client, foreseen) if foreseen else {}),
    )
    return (page, 400) if form.errors else page


def _made(client_id: str, wanted: dict[str, Any], foreseen: Foreseen) -> Answer:
    """Make the change; lead to the application, or show the secret that it got."""
    change = services.clients.update(client_id, wanted, clients_desk.acting())
    client = services.clients.get(client_id)
    if change.secret:
        return show("clients/secrets/shown", client=client, secret=change.secret, issuer=services.settings.issuer)
    return done(CHANGED, "admin_clients.client", client_id=client_id, mark=mark_of(client, foreseen))


def _seen(client: ClientRecord, foreseen: Foreseen) -> dict[str, Any]:
    return {
        "changes": {name: is_now for name, (_was, is_now) in foreseen.items() if name != "jwks"},
        "differences": differences(foreseen),
        "consequences": consequences(client, foreseen),
        "advice": advice(client, foreseen),
    }


def _scopes(client: ClientRecord) -> list[tuple[Any, bool]]:
    """Every scope, and whether whoever is here cannot give it: only administrators of the platform give some."""
    known = services.scopes.sentences(services.scopes.names(services=True), current_language())
    own = scopes_of(client)
    every = known + [each for each in own if each.name not in {one.name for one in known}]
    return [(each, each.name.startswith(SERVICE_PREFIX) and not current_user.powers.is_full) for each in every]
