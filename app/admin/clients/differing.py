"""In what a registration would differ, in words, and what follows from it for whoever uses the application."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.admin.clients.client import origins
from app.admin.clients.forms import kind_of
from app.admin.clients.words import CONSENTS, GRANTS, METHODS, duration
from app.errors import sentence
from app.languages import gettext as _
from app.languages import ngettext
from app.services.clients.records import FIRST_PARTY, ClientRecord
from app.services.clients.redirect_advice import Advice, Level
from app.services.clients.registration import KEY_METHOD
from app.wiring import services

LABELS: Mapping[str, str] = {
    "name": sentence("Name"),
    "description": sentence("Description"),
    "owner_id": sentence("Who answers for it"),
    "contacts": sentence("Contacts"),
    "home_uri": sentence("Address of the application"),
    "logo_uri": sentence("Logo"),
    "policy_uri": sentence("Address of its privacy notice"),
    "tos_uri": sentence("Address of its terms of use"),
    "is_listed": sentence("Tile on the start page"),
    "in_development": sentence("In development"),
    "redirect_uris": sentence("After the login"),
    "post_logout_redirect_uris": sentence("After the logout"),
    "backchannel_logout_uri": sentence("Notice of logouts"),
    "grant_types": sentence("How it gets tokens"),
    "consent_policy": sentence("People are asked"),
    "allowed_scopes": sentence("What it may ask for"),
    "optional_scopes": sentence("People may leave it out"),
    "auth_method": sentence("At the token endpoint"),
    "jwks": sentence("Its public keys"),
    "jwks_uri": sentence("Address of its public keys"),
    "require_pkce": sentence("PKCE"),
    "can_introspect_any": sentence("It may look at every token"),
    "access_token_seconds": sentence("Life of an access token"),
    "refresh_token_seconds": sentence("Life of an unused refresh token"),
    "id_token_signed_response_alg": sentence("ID token is signed by"),
    "lean_id_token": sentence("ID tokens say no more than who it is, and what a request asks for"),
}
"""What the columns are called, in the order they are shown in; what follows from another one is not among them."""
SENTENCES: Mapping[str, Mapping[str, str]] = {"consent_policy": CONSENTS, "auth_method": METHODS}
Foreseen = Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs in one column: values more and less of a list, or the value before and after."""

    label: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    before: str = ""
    after: str = ""


def differences(foreseen: Foreseen) -> list[Difference]:
    """What differs, for people."""
    return [_difference(name, *foreseen[name]) for name in LABELS if name in foreseen]


def _difference(name: str, before: Any, after: Any) -> Difference:
    label = _(LABELS[name])
    if isinstance(before, list):
        words = _scope_words if name.endswith("_scopes") else _grant_words if name == "grant_types" else tuple
        return Difference(
            label,
            added=words(each for each in after if each not in before),
            removed=words(each for each in before if each not in after),
        )
    return Difference(label, before=_in_words(name, before), after=_in_words(name, after))


def _scope_words(names: Iterator[str]) -> tuple[str, ...]:
    return tuple(names)


def _grant_words(names: Iterator[str]) -> tuple[str, ...]:
    return tuple(_(GRANTS[name]) for name in names)


def _in_words(name: str, value: Any) -> str:
    if name.endswith("_seconds"):
        return duration(value) if value else _("as set for the portal")
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if not value:
        return _("None")
    if name == "owner_id":
        owner = services.accounts.at(value)
        return owner.email if owner else _("Nobody")
    if name == "jwks":
        keys = json.loads(value)["keys"]
        return ", ".join(str(each.get("kid") or each.get("kty")) for each in keys)
    words = SENTENCES.get(name, {}).get(value)
    return _(words) if words else str(value)


def consequences(client: ClientRecord, foreseen: Foreseen) -> list[str]:
    """What follows, in sentences."""
    held = services.client_health.held(client.client_id)["living_grants"]
    found: list[str] = []
    for name, tell in TOLD.items():
        if name in foreseen:
            found += tell(client, *foreseen[name], held)
    return found


def advice(client: ClientRecord, foreseen: Foreseen) -> list[tuple[str, list[Advice], str]]:
    """What is to be said of each new address: the address, advice, and how silent login works from there."""
    before, after = foreseen.get("redirect_uris", ((), ()))
    found = []
    for uri in (each for each in after if each not in before):
        verdict = services.redirect_advice.about(uri, kind_of(client), client.client_id)
        said = [each for each in verdict.advice if each.level is not Level.FINE or each.code != "registered"]
        found.append((uri, said, verdict.site.sentence))
    return found


def _of_addresses(client: ClientRecord, before: list[str], after: list[str], held: int) -> Iterator[str]:
    added, removed = set(after) - set(before), set(before) - set(after)
    if added:
        yield _(
            "Whoever serves a new address gets the codes of people who log in to the application, and can act for them."
        )
    if removed:
        yield _(
            "A login that leads to an address which is taken away is refused at once. Codes on their way become void."
        )
    if gone := [each for each in origins(before) if each not in origins(after)]:
        yield _("Browsers may no longer call the portal from: %(origins)s", origins=", ".join(gone))


def _of_logouts(client: ClientRecord, before: list[str], after: list[str], held: int) -> Iterator[str]:
    if set(before) - set(after):
        yield _("A logout that leads to an address that is gone ends on a page of the portal.")


def _of_notices(client: ClientRecord, before: str | None, after: str | None, held: int) -> Iterator[str]:
    if after:
        yield _("The portal tells this address of every session that ends in which the application took part.")
    else:
        yield _("The application no longer hears that a session ended.")


def _of_grants(client: ClientRecord, before: list[str], after: list[str], held: int) -> Iterator[str]:
    gone = set(before) - set(after)
    if "authorization_code" in gone:
        yield _("Nobody can log in to it any more.")
    if "refresh_token" in gone:
        yield ngettext(
            "It can no longer renew tokens: %(num)s login ends with its access token.",
            "It can no longer renew tokens: %(num)s logins end with their access tokens.",
            held,
        )
    if "client_credentials" in gone:
        yield _("It gets no more tokens for itself. Those it has last until they expire.")


def _of_consent(client: ClientRecord, before: str, after: str, held: int) -> Iterator[str]:
    if after == FIRST_PARTY:
        yield _("People are no longer asked: whoever is logged in is logged in to it at once, with all it asks for.")
    elif before == FIRST_PARTY:
        yield _("People are asked from now on, at their next login.")
    else:
        yield _("It counts from the next login on.")


def _of_scopes(client: ClientRecord, before: list[str], after: list[str], held: int) -> Iterator[str]:
    if set(after) - set(before):
        yield _("What is new is not in tokens that it holds. It has to ask for it at a login.")
    if set(before) - set(after):
        yield ngettext(
            "What is taken away no longer counts in %(num)s login, for its backends once the access token ends.",
            "What is taken away no longer counts in %(num)s logins, for its backends once the access token ends.",
            held,
        )


def _of_method(client: ClientRecord, before: str, after: str, held: int) -> Iterator[str]:
    had, has = ({"none": "", KEY_METHOD: "key"}.get(each, "secret") for each in (before, after))
    if has == "secret" != had:
        yield _("It gets a secret, which is shown once on the next page.")
    if had == "secret" != has:
        yield _("Its secrets end at once.")
    if not had or not has:
        yield ngettext(
            "All its tokens end: %(num)s login in it is over.",
            "All its tokens end: %(num)s logins in it are over.",
            held,
        )
    elif had == has:
        yield _("It is refused if it goes on sending its secret the other way.")


def _of_keys(client: ClientRecord, before: str | None, after: str | None, held: int) -> Iterator[str]:
    if after:
        yield _("Whoever holds the private half of one of these keys can act as the application.")


def _of_pkce(client: ClientRecord, before: bool, after: bool, held: int) -> Iterator[str]:
    if after:
        yield _("A login that begins without PKCE is refused from now on.")
    else:
        yield _("Without PKCE nothing ties a code to the browser that asked for it but the application's own nonce.")


def _of_introspection(client: ClientRecord, before: bool, after: bool, held: int) -> Iterator[str]:
    if after:
        yield _("It can look at every token of everybody.")


def _of_lives(client: ClientRecord, before: int | None, after: int | None, held: int) -> Iterator[str]:
    yield _("It counts for tokens that are issued from now on.")


def _of_algorithm(client: ClientRecord, before: str, after: str, held: int) -> Iterator[str]:
    yield _("See that the application accepts ID tokens signed by %(algorithm)s before you save.", algorithm=after)


def _of_development(client: ClientRecord, before: bool, after: bool, held: int) -> Iterator[str]:
    if after:
        yield _("Its error pages show anybody what is registered.")


TOLD: Mapping[str, Callable[..., Iterator[str]]] = {
    "redirect_uris": _of_addresses,
    "post_logout_redirect_uris": _of_logouts,
    "backchannel_logout_uri": _of_notices,
    "grant_types": _of_grants,
    "allowed_scopes": _of_scopes,
    "consent_policy": _of_consent,
    "auth_method": _of_method,
    "jwks": _of_keys,
    "jwks_uri": _of_keys,
    "require_pkce": _of_pkce,
    "can_introspect_any": _of_introspection,
    "access_token_seconds": _of_lives,
    "refresh_token_seconds": _of_lives,
    "id_token_signed_response_alg": _of_algorithm,
    "in_development": _of_development,
}
"""Who tells what follows from a column, by its name."""
