"""How one application fares: what it got and what was refused lately, what nobody uses, and what to change about it."""

from app.admin.clients.client import is_within_reach
from app.admin.clients.words import GRANTS
from app.admin.delivery.words import told
from app.admin.pages import desk, show
from app.errors import sentence
from app.languages import gettext as _
from app.services.assertions.published_keys import READ
from app.services.clients.clients import PORTAL
from app.services.foundation.powers import CLIENTS
from app.services.oversight.client_health import SPANS, Failures
from app.web.protocol.refusals import explained
from app.wiring import services

health_desk = desk("admin_client_health", "/clients", CLIENTS)
bp = health_desk.bp
SPAN_WORDS = {"24h": sentence("24 hours"), "7d": sentence("7 days"), "30d": sentence("30 days")}
PLACES = {
    "unused_scopes": ("admin_clients.access", sentence("Change what it may do")),
    "unused_grants": ("admin_clients.access", sentence("Change what it may do")),
    "unused_redirect_uris": ("admin_clients.addresses", sentence("Change the addresses")),
    "unused_client": ("admin_clients.disable", sentence("Disable the application")),
    "old_secret": ("admin_clients.new_secret", sentence("Make a new secret")),
    "secret_ends": ("admin_clients.secrets", sentence("See its secrets")),
    "in_development": ("admin_clients.about", sentence("Edit the application")),
}
"""Where one does what is recommended, by the code of the recommendation."""
DECLINED = {
    "login_required": sentence("Nobody was logged in, and the application asked without a page"),
    "consent_required": sentence("Consent was missing, and the application asked without a page"),
    "interaction_required": sentence("A page was needed, and the application asked without one"),
    "access_denied": sentence("The person said no"),
}
"""Answers that are nobody's mistake, in words."""
FETCHES = {
    READ: sentence("They were read."),
    "not_https": sentence("The address does not begin with https."),
    "no_address": sentence("The address cannot be asked."),
    "status": sentence("The answer had another status than 200, or led elsewhere."),
    "no_usable_set": sentence("The answer was no set of public keys."),
}
"""What came of asking for the application's own keys, by the word that is counted, beside what notices say as well."""


@bp.get("/<client_id>/health")
def health(client_id: str) -> str:
    """How an application fares."""
    client = services.clients.get(client_id)
    found = services.client_health.of(client_id)
    grants = list(
        dict.fromkeys([*client.grant_types, *(name for span in found.spans.values() for name in span.issued)])
    )
    return show(
        "clients/health",
        client=client,
        health=found,
        is_portal=client_id == PORTAL,
        is_within_reach=is_within_reach(client),
        spans=[(name, SPAN_WORDS[name]) for name in SPANS],
        grants=grants,
        words=GRANTS,
        failures=[(each, why(each)) for each in found.spans["30d"].failures],
        last_failure_words=why(found.last_failure) if found.last_failure else None,
        declined=DECLINED,
        fetches=[
            (each, _(FETCHES[each.name]) if each.name in FETCHES else told(each.name)) for each in found.key_fetches
        ],
        places=PLACES,
        lists=(
            (sentence("What it may ask for"), found.scopes),
            (sentence("How it gets tokens"), found.grants),
            (sentence("Addresses after the login"), found.redirect_uris),
        ),
    )


def why(failures: Failures) -> str:
    """The cause of refusals, in an English sentence; that of another time has none but its error."""
    return explained(failures.cause) or failures.error


def fetched(result: str) -> str:
    """What came of asking for the application's own keys, in the reader's language."""
    return _(FETCHES[result]) if result in FETCHES else told(result)
