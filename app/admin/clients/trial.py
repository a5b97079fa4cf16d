"""A login to one application, tried by an administrator: an ordinary request under the application's own id.

Nothing of the protocol gives way to a trial. Its answer goes to an address that is registered, compared as ever:

* to one of the application's own. The portal then never sees the answer. The challenge of that request is of no
  verifier that anybody knows, and the application did not make its state, so a code that arrives there redeems nothing;
* to the portal's page for trials, once somebody registered it for the application, which is a change like any other:
  seen before, on record, and taken back the same way. There it opens to administrators of applications alone, and the
  window that began holds verifier and state in memory. A code that came any other way is no good to it.

Codes are redeemed by the browser at the token endpoint. So no page of the administration gets a secret that was typed,
a code to keep or a token; what is shown is what tokens say. Consents and sessions are as after any login: what the
administrator allows is asked, and stands on their own list of applications.
"""

from dataclasses import dataclass

from flask import url_for
from flask_login import current_user

from app.admin.clients.client import is_within_reach, scopes_of
from app.admin.pages import desk, show
from app.errors import sentence
from app.services.clients.clients import PORTAL, ClientRecord
from app.services.clients.registration import KEY_METHOD, AddressKind
from app.services.clients.scopes import SERVICE_PREFIX
from app.services.foundation.environment import random_token
from app.services.foundation.powers import CLIENTS
from app.web.protocol import addresses
from app.wiring import services

trial_desk = desk("admin_client_trial", "/clients", CLIENTS)
bp = trial_desk.bp
WORDS = {
    "blocked": sentence("The browser blocked the window. Allow windows for this page, and press the button again."),
    "waiting": sentence("Waiting for the login window …"),
    "working": sentence("Asking the token endpoint …"),
    "done": sentence("It works: the application would be logged in now."),
    "token": sentence("It works: the service got a token."),
    "code": sentence("The login works: a code came back. To redeem it the application has to prove itself."),
    "foreign": sentence("An answer came that this window did not ask for. It was left alone."),
    "access_denied": sentence("You said no, and the application was told so."),
    "login_required": sentence("Nobody is logged in. Choose another page than none."),
    "consent_required": sentence("Consent is missing. Choose another page than none, and allow it."),
    "interaction_required": sentence("A page is needed. Choose another page than none."),
    "invalid_scope": sentence("None of what it asks for is granted. Change what it may do."),
    "invalid_client": sentence("The secret does not count, or is sent another way than registered. See its secrets."),
    "unauthorized_client": sentence("The application lacks the grant. Change what it may do."),
    "invalid_grant": sentence("The code is not taken any more. Start again."),
    "network": sentence("The portal could not be reached. Try again."),
    "other": sentence("It was refused:"),
}
"""What a trial says, by its state or the error that came."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a client would redeem its code, for the script of the page."""

    client_id: str
    method: str
    issuer: str
    authorize: str
    token: str
    callback: str


@bp.get("/<client_id>/try")
def trial(client_id: str) -> str:
    """Try a login to the application, or a token of a service."""
    client, issuer = services.clients.get(client_id), services.settings.issuer
    callback = issuer + url_for("admin_client_trial.callback")
    scopes = [each.name for each in scopes_of(client)]
    of_people = [each for each in scopes if not each.startswith(SERVICE_PREFIX)]
    return show(
        "clients/trial",
        client=client,
        is_portal=client_id == PORTAL,
        is_within_reach=is_within_reach(client),
        logs_in="authorization_code" in client.grant_types,
        serves="client_credentials" in client.grant_types,
        signs=client.auth_method == KEY_METHOD,
        sent_as=_way(client, issuer, callback),
        own=[each for each in client.redirect_uris if each != callback],
        is_registered=client.has_redirect_uri(callback),
        registering=addresses.page("new", client_id, AddressKind.REDIRECT, callback),
        parameters=_parameters(of_people),
        scopes=of_people,
        service_scopes=[each for each in scopes if each not in of_people] or scopes,
        words=WORDS,
        who=current_user.email,
    )


@bp.get("/try/callback")
def callback() -> str:
    """Where the answer of a trial arrives; the window that asked for it takes it from there."""
    return show("clients/trial_callback")


def _way(client: ClientRecord, issuer: str, callback: str) -> Way:
    within = f"{issuer}/api/oauth"
    return Way(client.client_id, client.auth_method, issuer, f"{within}/authorize", f"{within}/token", callback)


def _parameters(scopes: list[str]) -> dict[str, str]:
    """The parameters of a request whose answer the application gets; nobody knows a verifier of the challenge."""
    return {
        "response_type": "code",
        "scope": " ".join(scopes),
        "state": random_token(256),
        "nonce": random_token(256),
        "code_challenge": random_token(256),
        "code_challenge_method": "S256",
    }
