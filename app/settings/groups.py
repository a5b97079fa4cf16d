"""The settings by group: variable, default, meaning and form of each. Read nowhere but in :mod:`app.settings`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.settings import database_urls, origins, redis_urls, values

ALGORITHMS = ("ES256", "RS256", "EdDSA", "HS256")


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
        "development or production; production refuses generated keys, plain http and debug",
        values.choice("development", "testing", "production"),
    )
    host: str = setting(
        "HOST",
        "",
        "Address to listen on, or unix: and the path of a socket; empty: 127.0.0.1 in development, 0.0.0.0 in "
        "production",
        values.host,
    )
    port: int = setting("PORT", "8000", "TCP port to listen on", values.number(1, 65535))
    workers: int = setting("WEB_CONCURRENCY", "2", "Number of gunicorn worker processes", values.number(1, 256))
    threads: int = setting("WEB_THREADS", "4", "Threads of each worker process", values.number(1, 256))
    connections: int = setting(
        "WEB_CONNECTIONS",
        "4096",
        "Connections each worker process holds at most; who has been idle for longest makes room",
        values.number(16, 65536),
    )
    drain_seconds: int = setting(
        "DRAIN_SECONDS",
        "",
        "How long /ready says that the portal leaves before it takes no more connections; 20 seconds more are for what "
        "is under way; empty: 5 in production, 0 elsewhere",
        values.number_or_none(0, 3600),
    )
    public_url: str = setting(
        "PUBLIC_URL",
        "",
        "Origin people and clients see; it is the issuer. Empty: http://localhost:PORT",
        origins.public_url,
    )
    trusted_proxies: int = setting(
        "TRUSTED_PROXIES",
        "0",
        "Number of reverse proxies in front whose X-Forwarded-* (or Forwarded) headers are believed",
        values.number(0, 10),
    )
    hsts: str = setting(
        "HSTS",
        "max-age=31536000",
        "Strict-Transport-Security on https: off, or max-age=… with includeSubDomains (binds hosts below), preload",
        values.hsts,
    )
    developer_pages: str = setting(
        "DEVELOPER_PAGES",
        "",
        "Who sees /developers and /playground: everyone, admins (others are led to log in, or refused) or nobody "
        "(both are not there); empty: admins in production, everyone elsewhere",
        values.choice("", "everyone", "admins", "nobody"),
    )
    support_url: str = setting(
        "SUPPORT_URL",
        "",
        "Where people get help: an http(s) address or mailto:…; stands below every page as Help; empty: nowhere",
        values.help_address,
    )
    instance_path: str = setting("INSTANCE_PATH", "", "Directory of generated keys and embedded data; empty: instance/")
    debug: bool = setting("FLASK_DEBUG", "false", "Flask's debug mode; refused in production", values.boolean)
    log_level: str = setting(
        "LOG_LEVEL", "INFO", "Least severity that is logged", values.choice("DEBUG", "INFO", "WARNING", "ERROR")
    )


@dataclass(frozen=True)
class StorageSettings:
    """The database and the optional Redis."""

    database_url: str = setting(
        "DATABASE_URL",
        "",
        "sqlite:////path, or postgresql://name:password@host:port/database?parameters with several hosts separated by "
        "commas and an @ in the password written %40; empty: SQLite under the instance directory",
        database_urls.database_url,
        True,
    )
    owner_url: str = setting(
        "DATABASE_OWNER_URL",
        "",
        "The same database, by the role that owns its tables: db upgrade uses it and grants the role of DATABASE_URL "
        "what it needs; empty: one role for both",
        database_urls.database_url,
        True,
    )
    schema: str = setting("DB_SCHEMA", "", "PostgreSQL schema to work in; empty: the role's search path", values.schema)
    prepare: str = setting(
        "DB_PREPARE",
        "auto",
        "Whether statements are prepared on PostgreSQL: auto (not behind a pooler), always (PgBouncer with "
        "max_prepared_statements) or never",
        values.choice("auto", "always", "never"),
    )
    connect_seconds: int = setting(
        "DB_CONNECT_TIMEOUT",
        "3",
        "How long PostgreSQL may take to let one in, seconds",
        values.number(2, 60),
    )
    statement_seconds: int = setting(
        "DB_STATEMENT_TIMEOUT", "5", "How long one statement may take on PostgreSQL, seconds", values.number(1, 600)
    )
    lock_seconds: int = setting(
        "DB_LOCK_TIMEOUT",
        "5",
        "How long is waited for a lock, on SQLite for its writer; seconds",
        values.number(1, 60),
    )
    idle_seconds: int = setting(
        "DB_IDLE_TRANSACTION_TIMEOUT",
        "15",
        "After how long PostgreSQL ends a transaction that nobody goes on with, seconds",
        values.number(1, 600),
    )
    pool_seconds: int = setting(
        "DB_POOL_TIMEOUT", "3", "How long a request waits for a connection, seconds", values.number(1, 60)
    )
    tcp_seconds: int = setting(
        "DB_TCP_TIMEOUT",
        "10",
        "After how long a network that is silent counts as broken (tcp_user_timeout, keepalives), seconds",
        values.number(1, 600),
    )
    pool_size: int = setting("DB_POOL_SIZE", "8", "PostgreSQL connections each worker keeps", values.number(1, 200))
    redis_url: str = setting(
        "REDIS_URL",
        "",
        "redis://…, rediss://…, unix://… or redis+sentinel://host,host/name; empty: the embedded store",
        redis_urls.redis_url,
        True,
    )
    redis_prefix: str = setting(
        "REDIS_PREFIX",
        "",
        "Begins every key in Redis, the denylist's too; give each portal its own where several share a Redis",
        redis_urls.prefix,
    )


@dataclass(frozen=True)
class SecretSettings:
    """Keys of the portal itself. In development they are generated under the instance directory."""

    secret_key: str = setting(
        "SECRET_KEY", "", "Signs form tokens and cookies; 32 or more characters", values.text, True
    )
    secret_key_fallbacks: tuple[str, ...] = setting(
        "SECRET_KEY_FALLBACKS",
        "",
        "Earlier values of SECRET_KEY, separated by commas: what they signed is accepted, and signed anew",
        values.words,
        True,
    )
    encryption_keys: tuple[str, ...] = setting(
        "ENCRYPTION_KEYS",
        "",
        "Fernet keys, newest first, separated by commas; encrypt private keys at rest",
        values.words,
        True,
    )


@dataclass(frozen=True)
class TokenSettings:
    """What is issued, and for how long."""

    algorithm: str = setting(
        "JWT_ALGORITHM", "ES256", "Signs access tokens: ES256, RS256, EdDSA or HS256", values.choice(*ALGORITHMS)
    )
    shared_secret: str = setting(
        "JWT_SHARED_SECRET",
        "",
        "Only with JWT_ALGORITHM=HS256: the secret shared with older backends",
        values.text,
        True,
    )
    has_all_claims: bool = setting(
        "ACCESS_TOKEN_ALL_CLAIMS",
        "false",
        "Put e-mail, group and role into every access token, whatever its scopes; for backends that still need them",
        values.boolean,
    )
    access_seconds: int = setting(
        "ACCESS_TOKEN_EXPIRE_SECONDS", "3600", "Life of an access token, seconds", values.number(30, 86400)
    )
    refresh_days: int = setting(
        "REFRESH_TOKEN_EXPIRE_DAYS", "30", "Life of an unused refresh token, days", values.number(1, 400)
    )
    refresh_absolute_days: int = setting(
        "REFRESH_TOKEN_ABSOLUTE_DAYS",
        "90",
        "Life of a refresh token family however often it is used, days",
        values.number(1, 1200),
    )
    reuse_window_seconds: int = setting(
        "REFRESH_REUSE_WINDOW_SECONDS",
        "10",
        "How long a repeated refresh gets the same successor; 0 turns it off",
        values.number(0, 60),
    )
    service_hours: int = setting(
        "SERVICE_TOKEN_EXPIRE_HOURS", "24", "Life of a service token, hours", values.number(1, 720)
    )


@dataclass(frozen=True)
class SessionSettings:
    """The single sign-on session."""

    idle_seconds: int = setting(
        "SESSION_IDLE_SECONDS",
        "3600",
        "A session not used for so long ends, unless it is remembered; seconds",
        values.number(60, 2592000),
    )
    absolute_hours: int = setting(
        "SESSION_ABSOLUTE_HOURS", "12", "Longest life of a session, hours", values.number(1, 720)
    )
    remember_days: int = setting(
        "SESSION_REMEMBER_DAYS", "30", "Longest life with «remember me», days; 0 turns it off", values.number(0, 400)
    )
    same_site: str = setting(
        "SESSION_COOKIE_SAMESITE",
        "Lax",
        "Lax, or None for silent login from other sites (https only)",
        values.choice("Lax", "None"),
    )
    acting_minutes: int = setting(
        "ACTING_MINUTES",
        "15",
        "How long an administrator acts as somebody else, unless another time is asked for; minutes, 60 at most",
        values.number(1, 60),
    )
    clear_site_data: str = setting(
        "CLEAR_SITE_DATA",
        "cache, storage",
        "What browsers are told to forget at a logout: cache, cookies, storage, or off. With cookies also those of the "
        "known browser, the language and the theme, and in Chromium those of all sibling hosts",
        values.site_data,
    )


@dataclass(frozen=True)
class MailSettings:
    """How mail leaves; without a server, development keeps it in the instance directory."""

    server: str = setting(
        "MAIL_SERVER", "", "SMTP server; empty: mails are kept in instance/mail in development, and not sent elsewhere"
    )
    port: int = setting("MAIL_PORT", "587", "Its port", values.number(1, 65535))
    username: str = setting("MAIL_USERNAME", "", "Name to log in to it with; empty: no login")
    password: str = setting("MAIL_PASSWORD", "", "Password to log in to it with", values.text, True)
    use_tls: bool = setting("MAIL_USE_TLS", "true", "Begin in clear and change to TLS (STARTTLS)", values.boolean)
    use_ssl: bool = setting("MAIL_USE_SSL", "false", "Speak TLS from the first byte, as port 465 does", values.boolean)
    sender: str = setting(
        "MAIL_DEFAULT_SENDER",
        "",
        "Who mails come from; empty: MAX Platform <no-reply@…> with the host of PUBLIC_URL",
        values.sender,
    )
    timeout_seconds: int = setting(
        "MAIL_TIMEOUT", "10", "How long one step of a delivery may take, seconds", values.number(1, 15)
    )


@dataclass(frozen=True)
class AccountSettings:
    """What people may do with their accounts."""

    deletion_days: int = setting(
        "ACCOUNT_DELETION_DAYS", "14", "Days in which a deletion can be taken back", values.number(0, 90)
    )
    photo_folder: str = setting(
        "PHOTO_FOLDER",
        "",
        "Directory that uploaded photos are kept in, which all nodes share; empty: the database. Those that are in the "
        "database stay there",
    )
    photo_megabytes: int = setting(
        "PHOTO_MAX_MEGABYTES",
        "5",
        "Most that a file may have which is uploaded as a photo, megabytes",
        values.number(1, 20),
    )
    confirmation_seconds: int = setting(
        "REAUTHENTICATION_SECONDS",
        "600",
        "How long after typing their password people may change what is sensitive, seconds",
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
        "How often the end of the audit trail is signed, if something was added; minutes",
        values.number(1, 1440),
    )
    publishes_checkpoints: bool = setting(
        "AUDIT_PUBLIC_CHECKPOINTS",
        "true",
        "Whether the latest checkpoints are at /.well-known/audit-checkpoints.json, for outsiders to keep; they tell "
        "how many records there are",
        values.boolean,
    )
    retention_days: int = setting(
        "AUDIT_RETENTION_DAYS",
        "0",
        "After how many days audit records are removed, up to a checkpoint of that age; 0: never",
        values.number(0, 36500),
    )


@dataclass(frozen=True)
class SeedSettings:
    """What a new portal begins with."""

    origin_template: str = setting(
        "CLIENT_ORIGIN_TEMPLATE",
        "",
        "Where the eight MAX applications are, such as https://{client}.example.com; empty: localhost in development, "
        "none are made in production",
        values.origin_template,
    )
    origins: tuple[tuple[str, str], ...] = setting(
        "CLIENT_ORIGINS",
        "",
        "Where single ones are, such as maxlab=https://lab.example.com, maxapa=none; separated by commas",
        values.client_origins,
    )
    admin_email: str = setting("ADMIN_EMAIL", "admin@example.com", "E-mail of the first administrator")
    admin_password: str = setting(
        "ADMIN_PASSWORD", "", "Password of the first administrator; empty: made and shown once", values.text, True
    )


@dataclass(frozen=True)
class LimitSettings:
    """Rate limits and cross-origin access."""

    enabled: bool = setting("RATE_LIMIT_ENABLED", "true", "Whether requests are limited at all", values.boolean)
    login: str = setting("RATE_LIMIT_LOGIN", "5/minute", "Login attempts per account and per address", values.rate)
    default: str = setting("RATE_LIMIT_DEFAULT", "100/minute", "Requests per address to pages and APIs", values.rate)
    ipv6_prefix: int = setting(
        "RATE_LIMIT_IPV6_PREFIX",
        "64",
        "Bits of an IPv6 address that count as one sender for limits; 128: each address by itself",
        values.number(32, 128),
    )
    token: str = setting(
        "RATE_LIMIT_TOKEN", "none", "Token, userinfo and introspection requests of an authenticated client", values.rate
    )
    cors_origins: tuple[str, ...] = setting(
        "CORS_ORIGINS",
        "",
        "Origins allowed besides those of registered redirect URIs, separated by commas",
        origins.origins,
    )
