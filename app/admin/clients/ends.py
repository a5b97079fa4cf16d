"""The end of an application: for a while, or for good; and its return."""

from flask_login import fresh_login_required
from wtforms import StringField

from app.admin.clients.changing import changeable
from app.admin.clients.listing import bp, clients_desk
from app.admin.pages import Answer, PlainForm, done, show
from app.errors import sentence
from app.languages import gettext as _
from app.languages import lazy_gettext as _l
from app.services.upkeep.seeding import SEEDED
from app.web.forms import Form
from app.wiring import services

DISABLED = sentence("The application is disabled. Its tokens have ended.")
ENABLED = sentence("The application is enabled. People can log in to it again.")
DELETED = sentence("The application is deleted. What it held is gone for good.")
IS_SO = sentence("It is so already. Nothing was changed.")
OTHER_ID = sentence("This is not the client ID of the application.")


class RemovalForm(Form):
    """The id of the application that is to go, typed once more."""

    client_id = StringField(_l("Client ID"))


@bp.route("/<client_id>/disable", methods=["GET", "POST"])
def disable(client_id: str) -> Answer:
    """Say what stops, and stop it."""
    client, form = changeable(client_id), PlainForm()
    if not client.is_active:
        return done(IS_SO, "admin_clients.client", client_id=client_id)
    if form.is_submitted() and form.validate():
        services.clients.disable(client_id, clients_desk.acting())
        return done(DISABLED, "admin_clients.client", client_id=client_id)
    page = show("clients/disable", form, client=client, held=services.client_health.held(client_id))
    return (page, 400) if form.errors else page


@bp.route("/<client_id>/enable", methods=["GET", "POST"])
@fresh_login_required
def enable(client_id: str) -> Answer:
    """Say what begins again, and let it."""
    client, form = changeable(client_id), PlainForm()
    if client.is_active:
        return done(IS_SO, "admin_clients.client", client_id=client_id)
    if form.is_submitted() and form.validate():
        services.clients.enable(client_id, clients_desk.acting())
        return done(ENABLED, "admin_clients.client", client_id=client_id)
    page = show("clients/enable", form, client=client, held=services.client_health.held(client_id))
    return (page, 400) if form.errors else page


@bp.route("/<client_id>/delete", methods=["GET", "POST"])
@fresh_login_required
def delete(client_id: str) -> Answer:
    """Remove an application for good, once its id was typed."""
    client, form = changeable(client_id), RemovalForm()
    if form.is_submitted() and form.validate():
        if (form.client_id.data or "").strip() == client_id:
            services.clients.delete(client_id, clients_desk.acting())
            return done(DELETED, "admin_clients.clients")
        form.client_id.errors = [_(OTHER_ID)]
    page = show(
        "clients/delete",
        form,
        client=client,
        held=services.client_health.held(client_id),
        is_seeded=client_id in SEEDED,
    )
    return (page, 400) if form.errors else page
