"""The settings by group: variable, default, meaning and form of each. Read nowhere but in :mod:`app.settings`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.settings import origins, values

ALGORITHMS = ("ES256", "RS256", "EdDSA", "HS256")


def sentence(text: str) -> str:
    """Mark a meaning that administrators read; it is translated where it is shown."""
    return text


def setting(
    variable: str, default: str, meaning: str, parse: Callable[[str], Any] = values.text, secret: bool = False
) -> Any:
    """A field with what the documentation and the reader need to know of it."""
    metadata = {"variable": variable, "default": default, "meaning": meaning, "parse": parse, "secret": secret}
    return field(metadata=metadata)


@dataclass(frozen=True)
class ServerSettings:
    """Where and how the process serves."""

    environment: str = setting(
        "APP_ENV",
        "development",
        sentence("development or production; production refuses generated keys, plain http and debug"),
        values.choice("development", "testing", "production"),
    )
    host: str = setting(
        "HOST",
        "",
        sentence(
            "Address to listen on, or unix: and the path of a socket; empty: 127.0.0.1 in development, 0.0.0.0 in "
            "production"
        ),
        values.host,
    )
    port: int = setting("PORT", "8000", sentence("TCP port to listen on"), values.number(1, 65535))
    workers: int = setting(
        "WEB_CONCURRENCY", "2", sentence("Number of gunicorn worker processes"), values.number(1, 256)
    )
    threads: int = setting("WEB_THREADS", "4", sentence("Threads of each worker process"), values.number(1, 256))
    connections: int = setting(
        "WEB_CONNECTIONS",
        "4096",
        sentence("Connections each worker process holds at most; who has been idle for longest makes room"),
        values.number(16, 65536),
    )
    drain_seconds: int = setting(
        "DRAIN_SECONDS",
        "",
        sentence(
            "How long /ready says that the portal leaves before it takes no more connections; 20 seconds more are for "
            "what is under way; empty: 5 in production, 0 elsewhere"
        ),
        values.number_or_none(0, 3600),
    )
    public_url: str = setting(
        "PUBLIC_URL",
        "",
        sentence("Origin people and clients see; it is the issuer. Empty: http://localhost:PORT"),
        origins.public_url,
    )
    trusted_proxies: int = setting(
        "TRUSTED_PROXIES",
        "0",
        sentence("Number of reverse proxies in front whose X-Forwarded-* (or Forwarded) headers are believed"),
        values.number(0, 10),
    )
    hsts: str = setting(
        "HSTS",
        "max-age=31536000",
        sentence(
            "Strict-Transport-Security on https: off, or max-age=… with includeSubDomains (binds hosts below), preload"
        ),
        values.hsts,
    )
    developer_pages: str = setting(
        "DEVELOPER_PAGES",
        "",
        sentence(
            "Who sees /developers and /playground: everyone, admins (others are led to log in, or refused) or nobody "
            "(both are not there); empty: admins in production, everyone elsewhere"
        ),
        values.choice("", "everyone", "admins", "nobody"),
    )
    support_url: str = setting(
        "SUPPORT_URL",
        "",
        sentence(
            "Where people get help: an http(s) address or mailto:…; stands below every page as Help; empty: nowhere"
        ),
        values.help_address,
    )
    instance_path: str = setting(
        "INSTANCE_PATH", "", sentence("Directory of generated keys and embedded data; empty: instance/")
    )
    debug: bool = setting("FLASK_DEBUG", "false", sentence("Flask's debug mode; refused in production"), values.boolean)
    log_level: str = setting(
        "LOG_LEVEL",
        "INFO",
        sentence("Least severity that is logged"),
        values.choice("DEBUG", "INFO", "WARNING", "ERROR"),
    )


@dataclass(frozen=True)
class SecretSettings:
    """Keys of the portal itself. In development they are generated under the instance directory."""

    secret_key: str = setting(
        "SECRET_KEY", "", sentence("Signs form tokens and cookies; 32 or more characters"), values.text, True
    )
    secret_key_fallbacks: tuple[str, ...] = setting(
        "SECRET_KEY_FALLBACKS",
        "",
        sentence("Earlier values of SECRET_KEY, separated by commas: what they signed is accepted, and signed anew"),
        values.words,
        True,
    )
    encryption_keys: tuple[str, ...] = setting(
        "ENCRYPTION_KEYS",
        "",
        sentence("Fernet keys, newest first, separated by commas; encrypt private keys at rest"),
        values.words,
        True,
    )


@dataclass(frozen=True)
class TokenSettings:
    """What is issued, and for how long."""

    algorithm: str = setting(
        "JWT_ALGORITHM",
        "ES256",
        sentence("Signs access tokens: ES256, RS256, EdDSA or HS256"),
        values.choice(*ALGORITHMS),
    )
    shared_secret: str = setting(
        "JWT_SHARED_SECRET",
        "",
        sentence("Only with JWT_ALGORITHM=HS256: the secret shared with older backends"),
        values.text,
        True,
    )
    has_all_claims: bool = setting(
        "ACCESS_TOKEN_ALL_CLAIMS",
        "false",
        sentence(
            "Put e-mail, group and role into every access token, whatever its scopes; for backends that still need them"
        ),
        values.boolean,
    )
    access_seconds: int = setting(
        "ACCESS_TOKEN_EXPIRE_SECONDS", "3600", sentence("Life of an access token, seconds"), values.number(30, 86400)
    )
    refresh_days: int = setting(
        "REFRESH_TOKEN_EXPIRE_DAYS", "30", sentence("Life of an unused refresh token, days"), values.number(1, 400)
    )
    refresh_absolute_days: int = setting(
        "REFRESH_TOKEN_ABSOLUTE_DAYS",
        "90",
        sentence("Life of a refresh token family however often it is used, days"),
        values.number(1, 1200),
    )
    reuse_window_seconds: int = setting(
        "REFRESH_REUSE_WINDOW_SECONDS",
        "10",
        sentence("How long a repeated refresh gets the same successor; 0 turns it off"),
        values.number(0, 60),
    )
    service_hours: int = setting(
        "SERVICE_TOKEN_EXPIRE_HOURS", "24", sentence("Life of a service token, hours"), values.number(1, 720)
    )


@dataclass(frozen=True)
class SessionSettings:
    """The single sign-on session."""

    idle_seconds: int = setting(
        "SESSION_IDLE_SECONDS",
        "3600",
        sentence("A session not used for so long ends, unless it is remembered; seconds"),
        values.number(60, 2592000),
    )
    absolute_hours: int = setting(
        "SESSION_ABSOLUTE_HOURS", "12", sentence("Longest life of a session, hours"), values.number(1, 720)
    )
    remember_days: int = setting(
        "SESSION_REMEMBER_DAYS",
        "30",
        sentence("Longest life with «remember me», days; 0 turns it off"),
        values.number(0, 400),
    )
    same_site: str = setting(
        "SESSION_COOKIE_SAMESITE",
        "Lax",
        sentence("Lax, or None for silent login from other sites (https only)"),
        values.choice("Lax", "None"),
    )
    acting_minutes: int = setting(
        "ACTING_MINUTES",
        "15",
        sentence(
            "How long an administrator acts as somebody else, unless another time is asked for; minutes, 60 at most"
        ),
        values.number(1, 60),
    )
    clear_site_data: str = setting(
        "CLEAR_SITE_DATA",
        "cache, storage",
        sentence(
            "What browsers are told to forget at a logout: cache, cookies, storage, or off. With cookies also those of "
            "the known browser, the language and the theme, and in Chromium those of all sibling hosts"
        ),
        values.site_data,
    )


@dataclass(frozen=True)
class MailSettings:
    """How mail leaves; without a server, development keeps it in the instance directory."""

    server: str = setting(
        "MAIL_SERVER",
        "",
        sentence("SMTP server; empty: mails are kept in instance/mail in development, and not sent elsewhere"),
    )
    port: int = setting("MAIL_PORT", "587", sentence("Its port"), values.number(1, 65535))
    username: str = setting("MAIL_USERNAME", "", sentence("Name to log in to it with; empty: no login"))
    password: str = setting("MAIL_PASSWORD", "", sentence("Password to log in to it with"), values.text, True)
    use_tls: bool = setting(
        "MAIL_USE_TLS", "true", sentence("Begin in clear and change to TLS (STARTTLS)"), values.boolean
    )
    use_ssl: bool = setting(
        "MAIL_USE_SSL", "false", sentence("Speak TLS from the first byte, as port 465 does"), values.boolean
    )
    sender: str = setting(
        "MAIL_DEFAULT_SENDER",
        "",
        sentence("Who mails come from; empty: MAX Platform <no-reply@…> with the host of PUBLIC_URL"),
        values.sender,
    )
    timeout_seconds: int = setting(
        "MAIL_TIMEOUT", "10", sentence("How long one step of a delivery may take, seconds"), values.number(1, 15)
    )


@dataclass(frozen=True)
class AccountSettings:
    """What people may do with their accounts."""

    deletion_days: int = setting(
        "ACCOUNT_DELETION_DAYS", "14", sentence("Days in which a deletion can be taken back"), values.number(0, 90)
    )
    photo_folder: str = setting(
        "PHOTO_FOLDER",
        "",
        sentence(
            "Directory that uploaded photos are kept in, which all nodes share; empty: the database. Those that are in "
            "the database stay there"
        ),
    )
    photo_megabytes: int = setting(
        "PHOTO_MAX_MEGABYTES",
        "5",
        sentence("Most that a file may have which is uploaded as a photo, megabytes"),
        values.number(1, 20),
    )
    confirmation_seconds: int = setting(
        "REAUTHENTICATION_SECONDS",
        "600",
        sentence("How long after typing their password people may change what is sensitive, seconds"),
        values.number(30, 86400),
    )

    @property
    def photo_bytes(self) -> int:
        """Most bytes of a file that is uploaded as a photo."""
        return self.photo_megabytes * 1_000_000


@dataclass(frozen=True)
class AuditSettings:
    """How the audit trail is proven and how long it is kept."""

    checkpoint_minutes: int = setting(
        "AUDIT_CHECKPOINT_MINUTES",
        "15",
        sentence("How often the end of the audit trail is signed, if something was added; minutes"),
        values.number(1, 1440),
    )
    publishes_checkpoints: bool = setting(
        "AUDIT_PUBLIC_CHECKPOINTS",
        "true",
        sentence(
            "Whether the latest checkpoints are at /.well-known/audit-checkpoints.json, for outsiders to keep; they "
            "tell how many records there are"
        ),
        values.boolean,
    )
    retention_days: int = setting(
        "AUDIT_RETENTION_DAYS",
        "0",
        sentence("After how many days audit records are removed, up to a checkpoint of that age; 0: never"),
        values.number(0, 36500),
    )


@dataclass(frozen=True)
class SeedSettings:
    """What a new portal begins with."""

    origin_template: str = setting(
        "CLIENT_ORIGIN_TEMPLATE",
        "",
        sentence(
            "Where the eight MAX applications are, such as https://{client}.example.com; empty: localhost in "
            "development, none are made in production"
        ),
        values.origin_template,
    )
    origins: tuple[tuple[str, str], ...] = setting(
        "CLIENT_ORIGINS",
        "",
        sentence("Where single ones are, such as maxlab=https://lab.example.com, maxapa=none; separated by commas"),
        values.client_origins,
    )
    admin_email: str = setting("ADMIN_EMAIL", "admin@example.com", sentence("E-mail of the first administrator"))
    admin_password: str = setting(
        "ADMIN_PASSWORD",
        "",
        sentence("Password of the first administrator; empty: made and shown once"),
        values.text,
        True,
    )


@dataclass(frozen=True)
class LimitSettings:
    """Rate limits and cross-origin access."""

    enabled: bool = setting(
        "RATE_LIMIT_ENABLED", "true", sentence("Whether requests are limited at all"), values.boolean
    )
    login: str = setting(
        "RATE_LIMIT_LOGIN", "5/minute", sentence("Login attempts per account and per address"), values.rate
    )
    default: str = setting(
        "RATE_LIMIT_DEFAULT", "100/minute", sentence("Requests per address to pages and APIs"), values.rate
    )
    ipv6_prefix: int = setting(
        "RATE_LIMIT_IPV6_PREFIX",
        "64",
        sentence("Bits of an IPv6 address that count as one sender for limits; 128: each address by itself"),
        values.number(32, 128),
    )
    token: str = setting(
        "RATE_LIMIT_TOKEN",
        "none",
        sentence("Token, userinfo and introspection requests of an authenticated client"),
        values.rate,
    )
    cors_origins: tuple[str, ...] = setting(
        "CORS_ORIGINS",
        "",
        sentence("Origins allowed besides those of registered redirect URIs, separated by commas"),
        origins.origins,
    )
