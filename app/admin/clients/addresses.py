"""One address more for an application: what a request was refused for, registered by who looks at the refusal.

The rule is that of ``clients update --add-redirect-uri``: :meth:`app.services.clients.clients.Clients.update`.
"""

from dataclasses import dataclass

from flask import flash, redirect, render_template, request
from flask_login import current_user, fresh_login_required
from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.admin.pages import Answer, PlainForm, desk
from app.errors import InvalidInput, sentence
from app.languages import gettext as _
from app.services.clients import redirect_uris
from app.services.clients.clients import ClientRecord
from app.services.clients.differences import Comparison, nearest
from app.services.clients.registration import AddressKind, ListChange
from app.services.foundation.environment import sha256
from app.services.foundation.powers import CLIENTS
from app.web.error_pages import Command
from app.web.presentation import application
from app.web.protocol import addresses
from app.wiring import services

addresses_desk = desk("admin", "", CLIENTS)
bp = addresses_desk.bp
UNDO_SECONDS = 3600
"""How long what was registered here can be taken back here; later that is a decision of its own."""
ONE_ADDRESS = sentence("Nothing was changed, because the link does not name exactly one address.")
TOO_LATE = sentence("Nothing was changed, because it was not registered here a short while ago.")
TAKEN_BACK = sentence("The address is no longer registered.")
KINDS = f"<any({', '.join(map(repr, addresses.PATHS.values()))}):kind>"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An address to be registered for a client, and the request it came with, if the link carries that."""

    client: ClientRecord
    kind: AddressKind
    uri: str
    request: addresses.Values | None

    @property
    def is_registered(self) -> bool:
        """Whether it stands in the client's list."""
        return self.uri in getattr(self.client, self.kind.column)

    @property
    def nearest(self) -> Comparison | None:
        """In what it differs from the registered address it differs least from."""
        compared = nearest(self.uri, getattr(self.client, self.kind.column))
        return compared[0] if compared else None

    def page(self, name: str, added: str = "") -> str:
        """Another page about it."""
        return addresses.page(name, self.client.client_id, self.kind, self.uri, self.request, added)

    def change(self, change: ListChange) -> bool:
        """Add or remove it, as the administrator who is here; answers whether anything is different now."""
        return bool(
            services.clients.update(self.client.client_id, {self.kind.column: change}, addresses_desk.acting()).names
        )


@bp.route(f"/clients/<client_id>/{KINDS}/new", methods=["GET", "POST"])
@fresh_login_required
def new_address(client_id: str, kind: str) -> Answer:
    """Say what registering the address means, and do it."""
    wanted, form = _wanted(client_id, kind), PlainForm()
    if request.method != "POST":
        return redirect(wanted.page("registered"), 303) if wanted.is_registered else _question(wanted, form)
    if not form.validate_on_submit():
        return _question(wanted, form), 400
    try:
        is_added = wanted.change(ListChange(add=(wanted.uri,)))
    except InvalidInput as refusal:
        form.form_errors.append(_(refusal.message))
        return _question(wanted, form), 400
    return redirect(wanted.page("registered", _mark(wanted) if is_added else ""), 303)


@bp.route(f"/clients/<client_id>/{KINDS}/registered", methods=["GET", "POST"])
@fresh_login_required
def registered_address(client_id: str, kind: str) -> Answer:
    """Say that it is registered and how to go on; take back what was registered here just now."""
    wanted, form = _wanted(client_id, kind), PlainForm()
    if request.method != "POST":
        return _registered(wanted, form) if wanted.is_registered else redirect(wanted.page("new"), 303)
    if not form.validate_on_submit():
        return _registered(wanted, form), 400
    if not _was_added_here(wanted):
        raise InvalidInput(TOO_LATE)
    try:
        if wanted.is_registered:
            wanted.change(ListChange(remove=(wanted.uri,)))
    except InvalidInput as refusal:
        # Somebody else may have been as quick.
        if _wanted(client_id, kind).is_registered:
            form.form_errors.append(_(refusal.message))
            return _registered(wanted, form), 400
    flash(TAKEN_BACK)
    return redirect(wanted.page("new"), 303)


def _wanted(client_id: str, kind: str) -> Wanted:
    """What the address asks for; raises :class:`NotFound`, and :class:`InvalidInput` for what cannot be registered."""
    uris, requests = request.args.getlist("uri"), request.args.getlist("request")
    if len(uris) != 1 or len(requests) > 1:
        raise InvalidInput(ONE_ADDRESS)
    (uri,), meant = uris, next(each for each, path in addresses.PATHS.items() if path == kind)
    client = services.clients.require_addable(client_id, meant, uri)
    return Wanted(client, meant, uri, addresses.carried("".join(requests), client_id, meant, uri))


def _question(wanted: Wanted, form: PlainForm) -> str:
    return render_template(
        "admin/clients/new_address.html",
        is_claimable=not redirect_uris.is_provable(wanted.uri),
        **_around(wanted, form),
    )


def _registered(wanted: Wanted, form: PlainForm) -> str:
    is_added = _was_added_here(wanted)
    text = addresses.command("remove", wanted.client.client_id, wanted.kind, wanted.uri)
    return render_template(
        "admin/clients/registered_address.html",
        is_added=is_added,
        once_more=addresses.once_more(wanted.kind, wanted.request) if is_added and wanted.client.is_active else None,
        removing=Command(_("Remove this URI at a terminal"), text),
        **_around(wanted, form),
    )


def _around(wanted: Wanted, form: PlainForm) -> dict[str, object]:
    """What both pages need."""
    compared = wanted.nearest
    return {
        "form": form,
        "wanted": wanted,
        "asking": application(wanted.client),
        "compared": compared,
        "differs_in": addresses.in_words(compared.names) if compared else "",
        "is_redirect": wanted.kind is AddressKind.REDIRECT,
        "back": addresses.refused_page(wanted.client.client_id, wanted.kind, wanted.uri, wanted.request),
    }


def _mark(wanted: Wanted) -> str:
    return str(_serializer().dumps(_what(wanted)))


def _was_added_here(wanted: Wanted) -> bool:
    """Whether the person who is here registered it on the page before, a short while ago."""
    try:
        return bool(_serializer().loads(request.args.get("added", ""), max_age=UNDO_SECONDS) == _what(wanted))
    except BadSignature:
        return False


def _what(wanted: Wanted) -> str:
    return sha256("\n".join((current_user.id, wanted.client.client_id, wanted.kind, wanted.uri)))


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(services.settings.signing_secrets, salt="added-address")
