"""One application: all that is registered about it, and the way between its pages."""

from collections.abc import Iterable

from flask import current_app
from flask_login import current_user

from app.admin.clients.listing import bp
from app.admin.clients.undoing import undoable
from app.admin.clients.words import CONSENTS, GRANTS, METHODS, duration
from app.admin.pages import PlainForm, asked, show
from app.errors import InvalidInput, sentence
from app.languages import current_language
from app.services.clients import public_keys, redirect_uris
from app.services.clients.clients import PORTAL, ClientRecord
from app.services.clients.reach import is_beyond
from app.services.clients.scopes import ScopeSentence
from app.services.foundation.powers import USERS
from app.web.presentation import application
from app.wiring import services

TABS = (
    ("admin_clients.client", sentence("Overview")),
    ("admin_clients.secrets", sentence("Secrets")),
    ("admin_client_health.health", sentence("Health")),
    ("admin_client_preview.preview", sentence("Token preview")),
    ("admin_client_trial.trial", sentence("Try it")),
)
"""The pages of one application."""


@bp.get("/<client_id>")
def client(client_id: str) -> str:
    """All that is registered about an application."""
    return overview(services.clients.get(client_id), PlainForm())


@bp.app_template_global("client_tabs")
def tabs(client: ClientRecord) -> list[tuple[str, str]]:
    """Those of :data:`TABS` that there are for this application."""
    return [
        (endpoint, words)
        for endpoint, words in TABS
        if endpoint in current_app.view_functions and (client.client_id != PORTAL or endpoint == TABS[0][0])
    ]


def overview(client: ClientRecord, form: PlainForm) -> str:
    """The page of an application."""
    owner = services.accounts.at(client.owner_id) if client.owner_id else None
    issuer, lifetimes = services.settings.issuer, services.tokens.lifetimes
    return show(
        "clients/client",
        form,
        client=client,
        app=application(client),
        owner=owner,
        can_see_people=current_user.powers.cover(USERS),
        is_within_reach=is_within_reach(client),
        is_portal=client.client_id == PORTAL,
        undo_mark=asked("mark") if undoable(client, asked("mark")) else None,
        issuer=issuer,
        discovery=f"{issuer}/.well-known/openid-configuration",
        origins=origins(client.redirect_uris),
        scopes=scopes_of(client),
        grants=GRANTS,
        consents=CONSENTS,
        methods=METHODS,
        keys=_keys(client),
        access_life=duration(client.access_token_seconds or int(lifetimes.access.total_seconds())),
        refresh_life=duration(client.refresh_token_seconds or int(lifetimes.refresh.total_seconds())),
        longest_life=duration(int(lifetimes.refresh_absolute.total_seconds())),
    )


def is_within_reach(client: ClientRecord) -> bool:
    """Whether whoever is here may change something about it."""
    return client.client_id != PORTAL and (current_user.powers.is_full or not is_beyond(client))


def origins(uris: Iterable[str]) -> list[str]:
    """From where browsers may call the portal: the origins of the redirect URIs, each once."""
    found = (redirect_uris.origin(uri) for uri in uris)
    return list(dict.fromkeys(each for each in found if each))


def scopes_of(client: ClientRecord) -> list[ScopeSentence]:
    """What the application may ask for, in the language shown."""
    return services.scopes.sentences(client.allowed_scopes, current_language())


def _keys(client: ClientRecord) -> list[tuple[str, str]]:
    """The id and the algorithms of each key that the application signs with, of those that are registered."""
    try:
        found = public_keys.keys_of(client.jwks) if client.jwks else ()
    except InvalidInput:
        return []
    return [(each.kid or "", ", ".join(each.algorithms)) for each in found]
