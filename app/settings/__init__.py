"""Settings: read once, validated whole, passed down. The only module that reads the environment.

Every setting is one field in :mod:`app.settings.groups`; its metadata carries the environment variable, the sentence
the documentation table shows, and whether the value is secret. ``Settings.from_environment`` reports every problem it
finds at once, one clear line each.
"""

import dataclasses
import functools
import ipaddress
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self, cast
from urllib.parse import urlsplit

from app.settings import database_urls, directories, generated_keys
from app.settings.billing import BillingSettings
from app.settings.groups import (
    AccountSettings,
    AuditSettings,
    LimitSettings,
    MailSettings,
    SecretSettings,
    SeedSettings,
    ServerSettings,
    SessionSettings,
    TokenSettings,
)
from app.settings.observation import ObservationSettings
from app.settings.providers import GenericProvider, ProviderSettings, variable_part
from app.settings.rows import SettingRow, Source, rows_of, settings_of
from app.settings.storage import StorageSettings

PROJECT_ROOT = Path(__file__).resolve().parent.parent.parent


class ConfigurationError(Exception):
    """The settings cannot be used; ``problems`` holds one sentence for each reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Settings:
    """Everything the portal can be told. Build with :meth:`from_environment`."""

    server: ServerSettings
    storage: StorageSettings
    secrets: SecretSettings
    tokens: TokenSettings
    session: SessionSettings
    accounts: AccountSettings
    audit: AuditSettings
    providers: ProviderSettings
    billing: BillingSettings
    seed: SeedSettings
    mail: MailSettings
    limits: LimitSettings
    observation: ObservationSettings
    sources: ClassVar[Mapping[str, Source]] = {}
    """By variable, where the value comes from; those that are not in it were not given."""

    @property
    def instance_path(self) -> Path:
        """Directory of generated keys and embedded data."""
        return Path(self.server.instance_path)

    @property
    def issuer(self) -> str:
        """The issuer identifier, an origin without a trailing slash (:rfc:`8414#section-2`)."""
        return self.server.public_url

    @property
    def signing_secrets(self) -> list[str]:
        """``SECRET_KEY`` and the earlier ones, in the order ``itsdangerous`` wants: it signs with the last."""
        return [*reversed(self.secrets.secret_key_fallbacks), self.secrets.secret_key]

    @property
    def is_https(self) -> bool:
        """Whether people reach the portal over TLS."""
        return self.issuer.startswith("https://")

    @property
    def lacks_proxy(self) -> bool:
        """Whether a proxy must stand in front, for the portal itself speaks no TLS, of which nothing was said."""
        return self.is_https and not self.server.trusted_proxies

    @property
    def is_production(self) -> bool:
        """Whether the strict start-up rules hold."""
        return self.server.environment == "production"

    @property
    def keeps_mail(self) -> bool:
        """Whether mails stay in the instance directory, where a developer reads them, instead of leaving."""
        return not self.mail.server and not self.is_production

    @property
    def can_mail(self) -> bool:
        """Whether a mail that is queued will reach anybody."""
        return bool(self.mail.server) or self.keeps_mail

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read, complete and validate the settings; raise :class:`ConfigurationError` with every problem."""
        environ = os.environ if environ is None else environ
        problems: list[str] = []
        groups = {
            group.name: _read_group(cast(type, group.type), environ, problems) for group in dataclasses.fields(cls)
        }
        if groups["providers"] is not None:
            groups["providers"] = _with_generic(groups["providers"], environ, problems)
        if problems:
            raise ConfigurationError(problems)
        try:
            settings = cls(**groups)._with_defaults()
        except generated_keys.Unusable as error:
            raise ConfigurationError([str(error)]) from error
        problems = list(_problems(settings))
        if problems:
            raise ConfigurationError(problems)
        sources = {row.variable: found for row in settings.rows() if (found := Source.of(row.variable, environ))}
        object.__setattr__(settings, "sources", sources)
        return settings

    @classmethod
    def from_environment_or_exit(cls) -> Self:
        """As :meth:`from_environment`; unusable settings end the process with one line for each problem."""
        try:
            return cls.from_environment()
        except ConfigurationError as error:
            sys.exit(str(error))

    @classmethod
    def for_testing(cls, instance_path: Path | str, database_url: str = "", **environ: str) -> Self:
        """Settings of a throw-away portal; ``environ`` holds further variables by their own names."""
        base = {"APP_ENV": "testing", "INSTANCE_PATH": str(instance_path), "DATABASE_URL": database_url}
        return cls.from_environment({**base, **environ})

    def _with_defaults(self) -> Self:
        """Fill what depends on other settings, generating development keys where none were given."""
        server = self.server
        instance = Path(server.instance_path or PROJECT_ROOT / "instance").resolve()
        host = server.host or ("0.0.0.0" if self.is_production else "127.0.0.1")  # noqa: S104
        server = dataclasses.replace(
            server,
            instance_path=str(instance),
            host=host,
            drain_seconds=(5 if self.is_production else 0) if server.drain_seconds < 0 else server.drain_seconds,
            public_url=server.public_url or f"http://localhost:{server.port}",
            developer_pages=server.developer_pages or ("admins" if self.is_production else "everyone"),
        )
        storage = self.storage
        if not storage.database_url:
            storage = dataclasses.replace(storage, database_url=f"sqlite:///{instance}/portal.db")
        keys = self.secrets
        if not self.is_production:
            keys = dataclasses.replace(
                keys,
                secret_key=keys.secret_key
                or generated_keys.kept_in(instance / "secret_key", lambda: secrets.token_urlsafe(48)),
                encryption_keys=keys.encryption_keys
                or (generated_keys.kept_in(instance / "encryption_key", generated_keys.new_fernet_key),),
            )
        mail = self.mail
        if not mail.sender:
            host = urlsplit(server.public_url).hostname or "localhost"
            host = "localhost" if ":" in host else host
            mail = dataclasses.replace(mail, sender=f"MAX Platform <no-reply@{host}>")
        return dataclasses.replace(self, server=server, storage=storage, secrets=keys, mail=mail)

    def flask_config(self) -> dict[str, object]:
        """The part of the settings that Flask and its extensions read from ``app.settings``."""
        return {
            "SECRET_KEY": self.secrets.secret_key,
            "SECRET_KEY_FALLBACKS": list(self.secrets.secret_key_fallbacks),
            # itsdangerous signs with the last and accepts all.
            "WTF_CSRF_SECRET_KEY": self.signing_secrets,
            "DEBUG": self.server.debug,
            "TESTING": self.server.environment == "testing",
            "SESSION_COOKIE_NAME": "__Host-portal_form" if self.is_https else "portal_form",
            "SESSION_COOKIE_SECURE": self.is_https,
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": self.session.same_site if self.is_https else "Lax",
            "MAX_CONTENT_LENGTH": 256 * 1024,
            "MAX_FORM_MEMORY_SIZE": 256 * 1024,
            "MAX_FORM_PARTS": 100,
            "WTF_CSRF_TIME_LIMIT": 86400,  # as long as an authorization request in flight lives
            "WTF_CSRF_SSL_STRICT": True,
            "WTF_CSRF_CHECK_DEFAULT": False,
            "BOOTSTRAP_SERVE_LOCAL": True,
            **self._mail_config(),
        }

    def _mail_config(self) -> dict[str, object]:
        mail = self.mail
        return {
            "MAIL_BACKEND": "smtp",
            "MAIL_SERVER": mail.server,
            "MAIL_PORT": mail.port,
            "MAIL_USERNAME": mail.username or None,
            "MAIL_PASSWORD": mail.password or None,
            "MAIL_USE_TLS": mail.use_tls and not mail.use_ssl,
            "MAIL_USE_SSL": mail.use_ssl,
            "MAIL_TIMEOUT": mail.timeout_seconds,
            "MAIL_DEFAULT_SENDER": mail.sender,
        }

    def rows(self) -> Iterator[SettingRow]:
        """Every setting with its value, secrets masked; what ``config check`` and the documentation show."""
        for group in dataclasses.fields(self):
            yield from rows_of(getattr(self, group.name), group.name, self.sources)
        for name, provider in zip(self.providers.generic_names, self.providers.generic, strict=True):
            yield from rows_of(provider, "providers", self.sources, variable_part(name))


@functools.cache
def of_this_process() -> Settings:
    """What the environment said when it was first asked; raises :class:`ConfigurationError`.

    gunicorn reads its configuration again at SIGHUP, but keeps the application with the settings it has: a file of a
    secret that cannot be read any more must not end what serves.
    """
    return Settings.from_environment()


def documentation() -> str:
    """``docs/configuration.md``: every setting in a table."""
    head = "# Configuration\n\nMade from `app/settings/` by `flask --app wsgi config document`. "
    head += "Each secret can be given as a file, too: `…_FILE` names it.\n\n"
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for group in (*(cast(type, each.type) for each in dataclasses.fields(Settings)), GenericProvider):
        for item in settings_of(group):
            default = f"`{item.metadata['default']}`" if item.metadata["default"] else ""
            variable = f"`{item.metadata['variable'].format('ACME')}`"
            variable += " (`_FILE`)" if item.metadata["secret"] else ""
            lines.append(f"| {variable} | {default} | {item.metadata['meaning']} |")
    return head + "\n".join(lines) + "\n"


def _read_group(group: type, environ: Mapping[str, str], problems: list[str], name: str = "") -> Any:
    """A group as the environment says; ``name`` is what its variables are made with. None with a problem."""
    parsed: dict[str, object] = {}
    for item in settings_of(group):
        try:
            raw = _given(item.metadata, environ, name) or item.metadata["default"]
            parsed[item.name] = item.metadata["parse"](raw)
        except ValueError as error:
            problems.append(f"{item.metadata['variable'].format(name)} {error}")
    return group(**parsed) if len(parsed) == len(settings_of(group)) else None


def _with_generic(group: ProviderSettings, environ: Mapping[str, str], problems: list[str]) -> ProviderSettings:
    """The providers with those that ``OIDC_PROVIDERS`` names."""
    read = [_read_group(GenericProvider, environ, problems, variable_part(name)) for name in group.generic_names]
    return dataclasses.replace(group, generic=tuple(read)) if all(read) else group


def _given(metadata: Mapping[str, Any], environ: Mapping[str, str], name: str) -> str:
    """The variable's value; a secret may stand in the file that ``…_FILE`` names instead. Raises ``ValueError``."""
    variable = metadata["variable"].format(name)
    value, file = environ.get(variable, ""), environ.get(f"{variable}_FILE", "") if metadata["secret"] else ""
    if not file:
        return value
    if value:
        raise ValueError(f"and {variable}_FILE are both set; choose one")
    try:
        content = Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"cannot be read from {variable}_FILE: {error.strerror}") from None
    except ValueError:
        raise ValueError(f"cannot be read from {variable}_FILE: the file holds no text") from None
    if not content:
        raise ValueError(f"cannot be read from {variable}_FILE: the file is empty")
    return content


def _problems(settings: Settings) -> Iterator[str]:
    """What makes these settings unusable, one sentence each."""
    if settings.is_production:
        yield from _production_problems(settings)
    keys, storage = settings.secrets, settings.storage
    rules = (
        (keys.secret_key and len(keys.secret_key) < 32, "SECRET_KEY must have 32 or more characters"),
        (
            any(len(key) < 32 for key in keys.secret_key_fallbacks),
            "SECRET_KEY_FALLBACKS must have 32 or more characters each",
        ),
        (
            not all(generated_keys.is_fernet_key(key) for key in keys.encryption_keys),
            "ENCRYPTION_KEYS must be Fernet keys (32 bytes, URL-safe base64)",
        ),
        (
            settings.tokens.algorithm == "HS256" and len(settings.tokens.shared_secret) < 32,
            "JWT_SHARED_SECRET must have 32 or more characters when JWT_ALGORITHM is HS256",
        ),
        (
            settings.session.same_site == "None" and not settings.is_https,
            "SESSION_COOKIE_SAMESITE=None needs an https PUBLIC_URL",
        ),
        (storage.schema and storage.database_url.startswith("sqlite"), "DB_SCHEMA needs PostgreSQL"),
        (
            storage.owner_url
            and {url.split("+")[0] for url in (storage.owner_url, storage.database_url)} != {"postgresql"},
            "DATABASE_OWNER_URL needs PostgreSQL, and DATABASE_URL to name the same database",
        ),
        (
            settings.mail.password
            and not (settings.mail.use_tls or settings.mail.use_ssl)
            and not is_loopback(settings.mail.server),
            "MAIL_PASSWORD must not travel in clear: set MAIL_USE_TLS or MAIL_USE_SSL",
        ),
    )
    yield from (problem for is_broken, problem in rules if is_broken)
    yield from directories.problems(
        settings.instance_path, database_urls.file_of(storage.database_url, settings.instance_path), storage.redis_url
    )
    yield from settings.providers.problems()
    yield from settings.billing.problems()
    yield from settings.observation.problems(settings.server.host, settings.server.port)
    if settings.accounts.photo_folder:
        yield from directories.problems_of_photos(Path(settings.accounts.photo_folder))


def _production_problems(settings: Settings) -> Iterator[str]:
    """What is fine on a desk and not in production."""
    if not settings.secrets.secret_key:
        yield "SECRET_KEY must be set in production"
    if not settings.secrets.encryption_keys:
        yield "ENCRYPTION_KEYS must be set in production"
    if not settings.is_https and not is_loopback(urlsplit(settings.issuer).hostname or ""):
        yield "PUBLIC_URL must be https in production (http only for a loopback address)"
    seed = settings.seed
    if any(origin.startswith("http://") for origin in (seed.origin_template, *(each for _, each in seed.origins))):
        yield "CLIENT_ORIGIN_TEMPLATE and CLIENT_ORIGINS must be https in production"
    if settings.server.debug:
        yield "FLASK_DEBUG must be off in production"


def is_loopback(host: str) -> bool:
    """Whether ``host`` (a name or an address without brackets) can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
