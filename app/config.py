"""Settings: read once, validated whole, passed down. The only module that reads the environment.

Every setting is one field below; its metadata carries the environment variable, the sentence the
documentation table shows, and whether the value is secret. ``Settings.from_environment`` reports every
problem it finds at once, one clear line each.
"""

import dataclasses
import ipaddress
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import urlsplit

from app import generated_keys
from app import setting_values as values

PROJECT_ROOT = Path(__file__).resolve().parent.parent
ALGORITHMS = ("ES256", "RS256", "EdDSA", "HS256")
MASK = "********"


class ConfigurationError(Exception):
    """The settings cannot be used; ``problems`` holds one sentence for each reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _setting(
    variable: str, default: str, meaning: str, parse: Callable[[str], Any] = values.text, secret: bool = False
) -> Any:
    metadata = {"variable": variable, "default": default, "meaning": meaning, "parse": parse, "secret": secret}
    return field(metadata=metadata)


@dataclass(frozen=True)
class ServerSettings:
    """Where and how the process serves."""

    environment: str = _setting(
        "APP_ENV",
        "development",
        "development or production; production refuses generated keys, plain http and debug",
        values.choice("development", "testing", "production"),
    )
    host: str = _setting("HOST", "", "Address to listen on; empty: 127.0.0.1 in development, 0.0.0.0 in production")
    port: int = _setting("PORT", "8000", "TCP port to listen on", values.number(1, 65535))
    workers: int = _setting("WEB_CONCURRENCY", "2", "Number of gunicorn worker processes", values.number(1, 256))
    threads: int = _setting("WEB_THREADS", "4", "Threads of each worker process", values.number(1, 256))
    public_url: str = _setting(
        "PUBLIC_URL",
        "",
        "Origin people and clients see; it is the issuer. Empty: http://localhost:PORT",
        values.public_url,
    )
    trusted_proxies: int = _setting(
        "TRUSTED_PROXIES",
        "0",
        "Number of reverse proxies whose X-Forwarded-* headers are believed",
        values.number(0, 10),
    )
    instance_path: str = _setting(
        "INSTANCE_PATH", "", "Directory of generated keys and embedded data; empty: instance/"
    )
    debug: bool = _setting("FLASK_DEBUG", "false", "Flask's debug mode; refused in production", values.boolean)
    log_level: str = _setting(
        "LOG_LEVEL", "INFO", "Least severity that is logged", values.choice("DEBUG", "INFO", "WARNING", "ERROR")
    )


@dataclass(frozen=True)
class StorageSettings:
    """The database and the optional Redis."""

    database_url: str = _setting(
        "DATABASE_URL",
        "",
        "sqlite:///… or postgresql://…; empty: SQLite under the instance directory",
        values.database_url,
        True,
    )
    schema: str = _setting(
        "DB_SCHEMA", "", "PostgreSQL schema to work in; empty: the role's search path", values.schema
    )
    pool_size: int = _setting("DB_POOL_SIZE", "8", "PostgreSQL connections each worker keeps", values.number(1, 200))
    redis_url: str = _setting("REDIS_URL", "", "redis://…; empty: the embedded store", values.text, True)


@dataclass(frozen=True)
class SecretSettings:
    """Keys of the portal itself. In development they are generated under the instance directory."""

    secret_key: str = _setting(
        "SECRET_KEY", "", "Signs form tokens and cookies; 32 or more characters", values.text, True
    )
    encryption_keys: tuple[str, ...] = _setting(
        "ENCRYPTION_KEYS",
        "",
        "Fernet keys, newest first, separated by commas; encrypt private keys at rest",
        values.words,
        True,
    )


@dataclass(frozen=True)
class TokenSettings:
    """What is issued, and for how long."""

    algorithm: str = _setting(
        "JWT_ALGORITHM", "ES256", "Signs access tokens: ES256, RS256, EdDSA or HS256", values.choice(*ALGORITHMS)
    )
    shared_secret: str = _setting(
        "JWT_SHARED_SECRET",
        "",
        "Only with JWT_ALGORITHM=HS256: the secret shared with older backends",
        values.text,
        True,
    )
    access_seconds: int = _setting(
        "ACCESS_TOKEN_EXPIRE_SECONDS", "3600", "Life of an access token, seconds", values.number(30, 86400)
    )
    refresh_days: int = _setting(
        "REFRESH_TOKEN_EXPIRE_DAYS", "30", "Life of an unused refresh token, days", values.number(1, 400)
    )
    refresh_absolute_days: int = _setting(
        "REFRESH_TOKEN_ABSOLUTE_DAYS",
        "90",
        "Life of a refresh token family however often it is used, days",
        values.number(1, 1200),
    )
    reuse_window_seconds: int = _setting(
        "REFRESH_REUSE_WINDOW_SECONDS",
        "10",
        "How long a repeated refresh gets the same successor; 0 turns it off",
        values.number(0, 60),
    )
    service_hours: int = _setting(
        "SERVICE_TOKEN_EXPIRE_HOURS", "24", "Life of a service token, hours", values.number(1, 720)
    )


@dataclass(frozen=True)
class SessionSettings:
    """The single sign-on session."""

    idle_seconds: int = _setting(
        "SESSION_IDLE_SECONDS",
        "3600",
        "A session not used for so long ends, unless it is remembered; seconds",
        values.number(60, 2592000),
    )
    absolute_hours: int = _setting(
        "SESSION_ABSOLUTE_HOURS", "12", "Longest life of a session, hours", values.number(1, 720)
    )
    remember_days: int = _setting(
        "SESSION_REMEMBER_DAYS", "30", "Longest life with «remember me», days", values.number(1, 400)
    )
    same_site: str = _setting(
        "SESSION_COOKIE_SAMESITE",
        "Lax",
        "Lax, or None for silent login from other sites (https only)",
        values.choice("Lax", "None"),
    )


@dataclass(frozen=True)
class LimitSettings:
    """Rate limits and cross-origin access."""

    enabled: bool = _setting("RATE_LIMIT_ENABLED", "true", "Whether requests are limited at all", values.boolean)
    login: str = _setting("RATE_LIMIT_LOGIN", "5/minute", "Login attempts per account and per address", values.rate)
    default: str = _setting("RATE_LIMIT_DEFAULT", "100/minute", "Requests per address to pages and APIs", values.rate)
    token: str = _setting(
        "RATE_LIMIT_TOKEN", "none", "Token, userinfo and introspection requests of an authenticated client", values.rate
    )
    cors_origins: tuple[str, ...] = _setting(
        "CORS_ORIGINS",
        "",
        "Origins allowed besides those of registered redirect URIs, separated by commas",
        values.origins,
    )


@dataclass(frozen=True)
class Settings:
    """Everything the portal can be told. Build with :meth:`from_environment`."""

    server: ServerSettings
    storage: StorageSettings
    secrets: SecretSettings
    tokens: TokenSettings
    session: SessionSettings
    limits: LimitSettings

    @property
    def instance_path(self) -> Path:
        """Directory of generated keys and embedded data."""
        return Path(self.server.instance_path)

    @property
    def issuer(self) -> str:
        """The issuer identifier, an origin without a trailing slash (:rfc:`8414#section-2`)."""
        return self.server.public_url

    @property
    def is_https(self) -> bool:
        """Whether people reach the portal over TLS."""
        return self.issuer.startswith("https://")

    @property
    def is_production(self) -> bool:
        """Whether the strict start-up rules hold."""
        return self.server.environment == "production"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read, complete and validate the settings; raise :class:`ConfigurationError` with every problem."""
        environ = os.environ if environ is None else environ
        problems: list[str] = []
        groups = {
            group.name: _read_group(cast(type, group.type), environ, problems) for group in dataclasses.fields(cls)
        }
        if problems:
            raise ConfigurationError(problems)
        try:
            settings = cls(**groups)._with_defaults()
        except generated_keys.Unusable as error:
            raise ConfigurationError([str(error)]) from error
        problems = list(_problems(settings))
        if problems:
            raise ConfigurationError(problems)
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
            public_url=server.public_url or f"http://localhost:{server.port}",
        )
        storage = self.storage
        if not storage.database_url:
            storage = dataclasses.replace(storage, database_url=f"sqlite:///{instance}/portal.db")
        keys = self.secrets
        if not self.is_production:
            instance.mkdir(parents=True, exist_ok=True)
            keys = SecretSettings(
                secret_key=keys.secret_key
                or generated_keys.kept_in(instance / "secret_key", lambda: secrets.token_urlsafe(48)),
                encryption_keys=keys.encryption_keys
                or (generated_keys.kept_in(instance / "encryption_key", generated_keys.new_fernet_key),),
            )
        return dataclasses.replace(self, server=server, storage=storage, secrets=keys)

    def flask_config(self) -> dict[str, object]:
        """The part of the settings that Flask and its extensions read from ``app.config``."""
        return {
            "SECRET_KEY": self.secrets.secret_key,
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
        }

    def rows(self) -> Iterator["SettingRow"]:
        """Every setting with its value, secrets masked; what ``config check`` and the documentation show."""
        for group in dataclasses.fields(self):
            settings = getattr(self, group.name)
            for item in dataclasses.fields(settings):
                value = getattr(settings, item.name)
                shown = ", ".join(value) if isinstance(value, tuple) else str(value)
                yield SettingRow(
                    variable=item.metadata["variable"],
                    default=item.metadata["default"],
                    meaning=item.metadata["meaning"],
                    value=_masked(shown, item.name) if item.metadata["secret"] else shown,
                )


@dataclass(frozen=True)
class SettingRow:
    """One line of the settings table."""

    variable: str
    default: str
    meaning: str
    value: str = ""


def documentation() -> str:
    """``docs/configuration.md``: every setting in a table."""
    head = "# Configuration\n\nMade from `app/config.py` by `flask --app wsgi config document`.\n\n"
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for group in dataclasses.fields(Settings):
        for item in dataclasses.fields(cast(type, group.type)):
            default = f"`{item.metadata['default']}`" if item.metadata["default"] else ""
            lines.append(f"| `{item.metadata['variable']}` | {default} | {item.metadata['meaning']} |")
    return head + "\n".join(lines) + "\n"


def _read_group(group: type, environ: Mapping[str, str], problems: list[str]) -> Any:
    parsed: dict[str, object] = {}
    for item in dataclasses.fields(group):
        raw = environ.get(item.metadata["variable"]) or item.metadata["default"]
        try:
            parsed[item.name] = item.metadata["parse"](raw)
        except ValueError as error:
            problems.append(f"{item.metadata['variable']} {error}")
    return group(**parsed) if len(parsed) == len(dataclasses.fields(group)) else None


def _problems(settings: Settings) -> Iterator[str]:
    """What makes these settings unusable, one sentence each."""
    if settings.is_production:
        yield from _production_problems(settings)
    keys, storage = settings.secrets, settings.storage
    rules = (
        (keys.secret_key and len(keys.secret_key) < 32, "SECRET_KEY must have 32 or more characters"),
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
        (
            storage.redis_url and not storage.redis_url.startswith(("redis://", "rediss://", "unix://")),
            "REDIS_URL must start with redis://, rediss:// or unix://",
        ),
        (storage.schema and storage.database_url.startswith("sqlite"), "DB_SCHEMA needs PostgreSQL"),
    )
    yield from (problem for is_broken, problem in rules if is_broken)


def _production_problems(settings: Settings) -> Iterator[str]:
    """What is fine on a desk and not in production."""
    if not settings.secrets.secret_key:
        yield "SECRET_KEY must be set in production"
    if not settings.secrets.encryption_keys:
        yield "ENCRYPTION_KEYS must be set in production"
    if not settings.is_https and not is_loopback(urlsplit(settings.issuer).hostname or ""):
        yield "PUBLIC_URL must be https in production (http only for a loopback address)"
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


def _masked(value: str, name: str) -> str:
    """A secret as it may be shown; a database URL keeps what is not its password."""
    if name in {"database_url", "redis_url"}:
        return re.sub(r"(://[^:/@]*):[^@]*@", rf"\1:{MASK}@", value)
    return MASK if value else ""
