"""The identity providers people can come in with: four by name, and any number of OpenID providers of one's own."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from urllib.parse import urlsplit

from app.settings import values
from app.settings.groups import sentence, setting

KNOWN = ("kakao", "naver", "google", "discord")
NEEDED = {
    "google": ("GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"),
    "kakao": ("KAKAO_REST_API_KEY", "KAKAO_CLIENT_SECRET"),
    "naver": ("NAVER_CLIENT_ID", "NAVER_CLIENT_SECRET"),
    "discord": ("DISCORD_CLIENT_ID", "DISCORD_CLIENT_SECRET"),
}
"""The id and the secret of each of them, without which it is not there."""
GENERIC = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_NAME = 30
LONGEST_ISSUER = 255
TAKEN = frozenset(
    {*KNOWN, "login", "logout", "register", "refresh", "me", "profile", "photo", "sessions", "link", "unlink"}
    | {"identities", "webhook", "callback", "new", "email", "code", "prove", "confirm", "problem"}
)
"""What stands at the place of a provider's name in addresses of the portal."""


def base_address(value: str) -> str:
    """An https address below which a provider answers, or one of this machine; without a slash at its end."""
    return _address(value).rstrip("/")


def issuer(value: str) -> str:
    """The issuer identifier of an OpenID provider, exactly as it says itself (OpenID Connect Discovery section 4.3)."""
    address = _address(value)
    if len(address) > LONGEST_ISSUER:
        raise ValueError(f"must have {LONGEST_ISSUER} characters at most")
    return address


def names(value: str) -> tuple[str, ...]:
    """Names of generic providers, as they stand in addresses."""
    found = values.words(value)
    for name in found:
        if len(name) > LONGEST_NAME or not GENERIC.fullmatch(name):
            raise ValueError(f"must hold names of small letters, digits and single hyphens, which {name[:40]!r} is not")
        if name in TAKEN:
            raise ValueError(f"must not hold {name!r}, which has a meaning of its own")
    if len({variable_part(name) for name in found}) < len(found):
        raise ValueError("must not name one twice")
    return found


def variable_part(name: str) -> str:
    """How a generic provider is called in the names of variables."""
    return name.replace("-", "_").upper()


def _address(value: str) -> str:
    text = value.strip()
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("must be an address such as https://id.example.com") from None
    if not host or "@" in parts.netloc or "?" in text or "#" in text or not text.isascii() or not text.isprintable():
        raise ValueError("must be an address without user name, query or fragment, such as https://id.example.com")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_own(host)):
        raise ValueError("must begin with https:// (http:// only for a loopback address)")
    return text


def _is_own(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class GenericProvider:
    """An OpenID provider that is named in ``OIDC_PROVIDERS``; ``{}`` stands for its name in capitals."""

    issuer: str = setting(
        "OIDC_{}_ISSUER", "", sentence("Its issuer, under which /.well-known/openid-configuration answers"), issuer
    )
    client_id: str = setting("OIDC_{}_CLIENT_ID", "", sentence("Client id it gave the portal"))
    client_secret: str = setting(
        "OIDC_{}_CLIENT_SECRET", "", sentence("Client secret it gave the portal"), values.text, True
    )
    title: str = setting(
        "OIDC_{}_NAME", "", sentence("What people call it; empty: its name in OIDC_PROVIDERS, with a capital")
    )
    scope: str = setting(
        "OIDC_{}_SCOPE", "openid email profile", sentence("Scopes to ask it for; openid is among them")
    )
    trusts_email: bool = setting(
        "OIDC_{}_TRUSTS_EMAIL",
        "false",
        sentence(
            "Whether an e-mail it gives counts as verified, unless it says that it is not; else people prove theirs "
            "once"
        ),
        values.boolean,
    )


@dataclass(frozen=True)
class ProviderSettings:
    """Who people can come in with. A provider is there when its id and its secret are set."""

    google_client_id: str = setting("GOOGLE_CLIENT_ID", "", sentence("Client id of the portal at Google"))
    google_client_secret: str = setting("GOOGLE_CLIENT_SECRET", "", sentence("Client secret of it"), values.text, True)
    google_issuer: str = setting(
        "GOOGLE_ISSUER", "https://accounts.google.com", sentence("Issuer of Google's ID tokens"), issuer
    )
    kakao_rest_api_key: str = setting(
        "KAKAO_REST_API_KEY", "", sentence("REST API key of the portal's application at Kakao")
    )
    kakao_client_secret: str = setting("KAKAO_CLIENT_SECRET", "", sentence("Client secret of it"), values.text, True)
    kakao_admin_key: str = setting(
        "KAKAO_ADMIN_KEY",
        "",
        sentence(
            "Admin key of it: proves Kakao's notices of unlinking, and ends links at Kakao; empty: no notices are taken"
        ),
        values.text,
        True,
    )
    kakao_auth_url: str = setting(
        "KAKAO_AUTH_URL", "https://kauth.kakao.com", sentence("Where Kakao's logins are"), base_address
    )
    kakao_api_url: str = setting(
        "KAKAO_API_URL", "https://kapi.kakao.com", sentence("Where Kakao's API is"), base_address
    )
    naver_client_id: str = setting("NAVER_CLIENT_ID", "", sentence("Client id of the portal's application at Naver"))
    naver_client_secret: str = setting("NAVER_CLIENT_SECRET", "", sentence("Client secret of it"), values.text, True)
    naver_auth_url: str = setting(
        "NAVER_AUTH_URL", "https://nid.naver.com", sentence("Where Naver's logins are"), base_address
    )
    naver_api_url: str = setting(
        "NAVER_API_URL", "https://openapi.naver.com", sentence("Where Naver's API is"), base_address
    )
    discord_client_id: str = setting(
        "DISCORD_CLIENT_ID", "", sentence("Client id of the portal's application at Discord")
    )
    discord_client_secret: str = setting(
        "DISCORD_CLIENT_SECRET", "", sentence("Client secret of it"), values.text, True
    )
    discord_url: str = setting("DISCORD_URL", "https://discord.com", sentence("Where Discord is"), base_address)
    generic_names: tuple[str, ...] = setting(
        "OIDC_PROVIDERS",
        "",
        sentence(
            "Names of further OpenID providers, separated by commas, as in acme; each has the settings OIDC_ACME_…"
        ),
        names,
    )
    generic: tuple[GenericProvider, ...] = ()
    """Those that ``generic_names`` name, in that order."""

    @property
    def names(self) -> tuple[str, ...]:
        """The providers that are there, as they stand in addresses; the known ones first."""
        return (*(name for name in KNOWN if self.credentials(name)[0]), *self.generic_names)

    def credentials(self, name: str) -> tuple[str, str]:
        """Id and secret of the portal at a provider, empty where none were given."""
        known = {
            "google": (self.google_client_id, self.google_client_secret),
            "kakao": (self.kakao_rest_api_key, self.kakao_client_secret),
            "naver": (self.naver_client_id, self.naver_client_secret),
            "discord": (self.discord_client_id, self.discord_client_secret),
        }
        if name in known:
            return known[name]
        provider = self.generic[self.generic_names.index(name)]
        return provider.client_id, provider.client_secret

    def problems(self) -> Iterator[str]:
        """Providers of which half is there, one sentence for each value that is missing."""
        for name, (client_id, secret) in NEEDED.items():
            has_id, has_secret = map(bool, self.credentials(name))
            if has_id != has_secret:
                given, missing = (client_id, secret) if has_id else (secret, client_id)
                yield f"{missing} is missing: {given} is set, and {name} needs both"
        if self.kakao_admin_key and not self.kakao_rest_api_key:
            yield "KAKAO_REST_API_KEY is missing: KAKAO_ADMIN_KEY is set, which is of no use without it"
        for name, provider in zip(self.generic_names, self.generic, strict=True):
            yield from _missing(name, provider)


def _missing(name: str, provider: GenericProvider) -> Iterator[str]:
    for item in fields(provider):
        variable = item.metadata["variable"].format(variable_part(name))
        if item.name in {"issuer", "client_id", "client_secret"} and not getattr(provider, item.name):
            yield f"{variable} is missing: OIDC_PROVIDERS names {name}"
    if "openid" not in provider.scope.split():
        yield f"OIDC_{variable_part(name)}_SCOPE must hold openid"
