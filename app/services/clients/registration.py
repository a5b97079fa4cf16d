"""What can be registered about an application, and which of it fits together."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import sqlalchemy as sa

from app.errors import InvalidInput, sentence
from app.models import Client
from app.services.clients import public_keys, redirect_uris
from app.services.foundation.texts import MOST_TYPED, holds_controls, one_line

GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
SECRET_METHODS = ("client_secret_basic", "client_secret_post")
KEY_METHOD = "private_key_jwt"
"""By an assertion that the client signs (OpenID Connect Core section 9)."""
EITHER_WAY = "client_secret"
"""Either way of sending a secret; it is what a confidential client gets that states none."""
AUTH_METHODS = ("none", EITHER_WAY, *SECRET_METHODS, KEY_METHOD)
PROOFS = (*SECRET_METHODS, KEY_METHOD)
"""How a confidential client proves itself, in the words of :rfc:`7591#section-2`."""
CONSENT_POLICIES = ("implicit", "once", "always")
SIGNING_ALGORITHMS = ("RS256", "ES256")
ACCESS_SECONDS, REFRESH_SECONDS = (30, 86_400), (60, 400 * 86_400)
"""Shortest and longest life that a client may state for its tokens, seconds."""
ACCESS_LIFE = sentence("This lifetime has to be between 30 and 86400 seconds.")
REFRESH_LIFE = sentence("This lifetime has to be between 60 and 34560000 seconds.")
LONGEST_NAME, LONGEST_DESCRIPTION, LONGEST_ADDRESS = 100, 500, 2000
LONGEST_CONTACT, MOST_CONTACTS = 254, 5
MOST_ADDRESSES = 100
"""Of each kind; a client that has more, which older code let in, keeps them and gets no further one."""
TOO_MANY_ADDRESSES = sentence("A client has at most 100 addresses of each kind.")
WEB_ADDRESSES = {
    "home": sentence("The home address starts with https:// or http://."),
    "policy": sentence("The policy address starts with https://."),
    "terms": sentence("The terms address starts with https://."),
    "logo": sentence("The logo address starts with https://."),
}
"""What is said of each address that people follow, when it is none."""
NEVER_OPTIONAL = "openid"
"""Whoever asks who somebody is gets nothing without the answer."""
CHANGEABLE = frozenset(
    {
        "name",
        "description",
        "logo_uri",
        "home_uri",
        "policy_uri",
        "tos_uri",
        "contacts",
        "is_confidential",
        "auth_method",
        "jwks",
        "jwks_uri",
        "redirect_uris",
        "post_logout_redirect_uris",
        "backchannel_logout_uri",
        "allowed_scopes",
        "optional_scopes",
        "grant_types",
        "consent_policy",
        "require_pkce",
        "id_token_signed_response_alg",
        "lean_id_token",
        "access_token_seconds",
        "refresh_token_seconds",
        "can_introspect_any",
        "is_listed",
        "in_development",
        "owner_id",
    }
)
"""The columns an operator decides on; the others are the client's id, its secret and what happened to it."""
_LISTS = frozenset(each.name for each in Client.__table__.columns if isinstance(each.type, sa.JSON))
_ABSENT = frozenset(
    each.name for each in Client.__table__.columns if each.nullable and isinstance(each.type, sa.String)
)
CREATED_AS = {
    "redirect_uris": "redirects",
    "post_logout_redirect_uris": "post_logout",
    "allowed_scopes": "scopes",
    "grant_types": "grants",
}
"""What columns are called where a client is registered."""


class AddressKind(StrEnum):
    """The lists of addresses that browsers are led to, each by the parameter that names one of them."""

    REDIRECT = "redirect_uri"
    POST_LOGOUT = "post_logout_redirect_uri"

    @property
    def column(self) -> str:
        """The column the list stands in."""
        return f"{self}s"


@dataclass(frozen=True, slots=True)
class ListChange:
    """What becomes of a list: all of it new, or some values more and some less."""

    to: tuple[str, ...] | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def applied(self, present: Iterable[str]) -> list[str]:
        """The list as it is afterwards, each value once; raises :class:`InvalidInput` for one that is not there."""
        kept = list(present if self.to is None else self.to)
        if missing := [value for value in self.remove if value not in kept]:
            raise InvalidInput(f"{missing[0]} is not registered for this client.", "redirect_uri")
        return list(dict.fromkeys([*(value for value in kept if value not in self.remove), *self.add]))


def is_client_id(value: str) -> bool:
    """Whether ``value`` has the form of a client id."""
    return bool(re.fullmatch(r"[A-Za-z0-9._~-]{1,100}", value))


def has_secret(client: Client) -> bool:
    """Whether the client proves itself by a secret."""
    return client.is_confidential and client.auth_method != KEY_METHOD


def require_client_id(value: str) -> None:
    """Raise :class:`InvalidInput` unless a client can be called so.

    A client id never looks like a person's id, so that no ``sub`` can mean two things (:rfc:`9068#section-5`).
    """
    if not is_client_id(value) or _is_uuid(value):
        raise InvalidInput("A client id has 1 to 100 letters, digits, dots, dashes or underscores.", "client_id")


def require_name(value: str) -> str:
    """The name people read on the pages of the flow; raises :class:`InvalidInput` for one that fills or turns a page.

    Controls, line breaks and marks of direction are refused, and what shows nothing is no name.
    """
    if (name := _on_one_line(value, LONGEST_NAME)) is None or not name:
        raise InvalidInput(
            sentence("A name has 1 to 100 characters that can be seen, and no control or mark of direction."), "name"
        )
    return name


def require_room(present: Collection[str], wanted: Collection[str]) -> None:
    """Raise :class:`InvalidInput` if a list of addresses would grow beyond :data:`MOST_ADDRESSES`."""
    if len(wanted) > max(MOST_ADDRESSES, len(present)):
        raise InvalidInput(TOO_MANY_ADDRESSES, "redirect_uri")


def require_registrable(client: Client, *, allows_network: bool = False) -> None:
    """Raise :class:`InvalidInput` unless each value can be used and what the client is and wants fits together."""
    _put_in_form(client)
    client.name = require_name(client.name)
    client.description = _require_description(client.description)
    client.contacts = _require_contacts(client.contacts)
    _require_addresses(client, allows_network)
    if client.jwks:
        client.jwks = public_keys.normalised(client.jwks)
    for seconds, (least, most), problem in (
        (client.access_token_seconds, ACCESS_SECONDS, ACCESS_LIFE),
        (client.refresh_token_seconds, REFRESH_SECONDS, REFRESH_LIFE),
    ):
        if seconds is not None and not least <= seconds <= most:
            raise InvalidInput(problem, "lifetime")
    for problem, is_broken in _contradictions(client).items():
        if is_broken:
            raise InvalidInput(problem)


def follow_keys(client: Client, changes: Mapping[str, Any]) -> None:
    """See that a client has its keys in one place, and none where it does not sign with them."""
    signs = client.auth_method == KEY_METHOD
    for name, other in (("jwks", "jwks_uri"), ("jwks_uri", "jwks")):
        if name not in changes and (not signs or changes.get(other)):
            setattr(client, name, None)


def is_own_path(address: str) -> bool:
    """Whether ``address`` is a path on the portal's own host, such as ``/static/img/app.svg``."""
    return bool(re.fullmatch(r"/(?![/\\])[!-~]*", address)) and not set(address) & set("\\\"'<>")


def _put_in_form(client: Client) -> None:
    """What stands in a list stands there once, and what may be absent is absent rather than empty."""
    for name in _LISTS:
        if len(set(values := getattr(client, name))) != len(values):
            setattr(client, name, list(dict.fromkeys(values)))
    for name in _ABSENT:
        if getattr(client, name) == "":
            setattr(client, name, None)


def _require_addresses(client: Client, allows_network: bool) -> None:
    for uri in (*client.redirect_uris, *client.post_logout_redirect_uris):
        redirect_uris.require_registrable(uri, allows_network=allows_network)
    if client.backchannel_logout_uri:
        redirect_uris.require_notifiable(client.backchannel_logout_uri)
    if client.jwks_uri:
        redirect_uris.require_fetchable(client.jwks_uri, allows_loopback=allows_network)
    if client.home_uri:
        _require_web_address(client.home_uri, ("https", "http"), "home")
    # RFC 7591 section 2. A page that people trust leads there, so only over a connection that they can trust.
    for address, field in ((client.policy_uri, "policy"), (client.tos_uri, "terms")):
        if address:
            _require_web_address(address, ("https",), field)
    # Pages load nothing from elsewhere: they show a picture of the portal's own host, and letters instead of others.
    if client.logo_uri and not is_own_path(client.logo_uri):
        _require_web_address(client.logo_uri, ("https",), "logo")


def _contradictions(client: Client) -> dict[str, bool]:
    """What cannot be, and whether it is so here."""
    grants, is_public, optional = client.grant_types, not client.is_confidential, set(client.optional_scopes)
    return {
        f"Grant types are {', '.join(GRANT_TYPES)}.": any(grant not in GRANT_TYPES for grant in grants),
        sentence("A client needs at least one grant type."): not grants,
        sentence("A confidential client authenticates with a secret or a key, a public one with none."): (
            client.auth_method not in AUTH_METHODS or (client.auth_method == "none") == client.is_confidential
        ),
        # RFC 7591 section 2: jwks and jwks_uri must not both be there.
        sentence("A client that authenticates by private_key_jwt has either a set of keys or the address of one."): (
            client.auth_method == KEY_METHOD and bool(client.jwks) == bool(client.jwks_uri)
        ),
        sentence("Only a client that authenticates by private_key_jwt has keys."): (
            client.auth_method != KEY_METHOD and bool(client.jwks or client.jwks_uri)
        ),
        f"Consent policies are {', '.join(CONSENT_POLICIES)}.": client.consent_policy not in CONSENT_POLICIES,
        f"ID tokens are signed with {' or '.join(SIGNING_ALGORITHMS)}.": (
            client.id_token_signed_response_alg not in SIGNING_ALGORITHMS
        ),
        sentence("An optional scope has to be one that the client may have."): not optional
        <= set(client.allowed_scopes),
        sentence("The scope openid cannot be optional."): NEVER_OPTIONAL in optional,
        sentence("Nothing is optional where people are never asked."): bool(optional)
        and client.consent_policy == "implicit",
        sentence("The authorization code grant needs a redirect URI."): (
            "authorization_code" in grants and not client.redirect_uris
        ),
        sentence("Client credentials need a confidential client."): "client_credentials" in grants and is_public,
        # RFC 9700 section 2.1.1
        sentence("A public client always needs PKCE."): is_public and not client.require_pkce,
        sentence("Only a confidential client can introspect tokens."): is_public and client.can_introspect_any,
    }


def _require_description(value: str) -> str:
    if (text := _on_one_line(value, LONGEST_DESCRIPTION)) is None:
        raise InvalidInput(sentence("A description is one line of at most 500 characters."), "description")
    return text


def _require_contacts(values: Iterable[str]) -> list[str]:
    contacts = [_on_one_line(value, LONGEST_CONTACT) for value in values]
    if not all(contacts) or len(contacts) > MOST_CONTACTS:
        raise InvalidInput(sentence("Contacts are at most 5, each one line of at most 254 characters."), "contact")
    return [contact for contact in contacts if contact]


def _on_one_line(value: str, most: int) -> str | None:
    """``value`` as it is kept; None for what is longer than ``most``, or holds what was hardly meant."""
    if len(value) > MOST_TYPED or holds_controls(value.strip()):
        return None
    text = one_line(value)
    return text if len(text) <= most else None


def _require_web_address(address: str, schemes: tuple[str, ...], field: str) -> None:
    """Raise :class:`InvalidInput` unless ``address`` is a URL of visible ASCII without credentials."""
    try:
        parts = urlsplit(address)
        is_usable = parts.scheme in schemes and bool(parts.hostname) and "@" not in parts.netloc
        is_usable = is_usable and (parts.port is None or parts.port > 0)
    except ValueError:
        is_usable = False
    is_plain = bool(re.fullmatch(rf"[!-~]{{1,{LONGEST_ADDRESS}}}", address)) and not set(address) & set("\\\"'<>`")
    if not is_usable or not is_plain:
        raise InvalidInput(WEB_ADDRESSES[field], field)


def _is_uuid(value: str) -> bool:
    try:
        return bool(UUID(value))
    except ValueError:
        return False
