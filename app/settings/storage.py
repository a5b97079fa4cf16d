"""Where the portal keeps what it keeps: the database, how long it is waited for, and Redis."""

from dataclasses import dataclass

from app.settings import database_urls, redis_urls, values
from app.settings.groups import sentence, setting


@dataclass(frozen=True)
class StorageSettings:
    """The database and the optional Redis."""

    database_url: str = setting(
        "DATABASE_URL",
        "",
        sentence(
            "sqlite:////path, or postgresql://name:password@host:port/database?parameters with several hosts separated "
            "by commas and an @ in the password written %40; empty: SQLite under the instance directory"
        ),
        database_urls.database_url,
        True,
    )
    owner_url: str = setting(
        "DATABASE_OWNER_URL",
        "",
        sentence(
            "The same database, by the role that owns its tables: db upgrade uses it and grants the role of "
            "DATABASE_URL what it needs; empty: one role for both"
        ),
        database_urls.database_url,
        True,
    )
    schema: str = setting(
        "DB_SCHEMA", "", sentence("PostgreSQL schema to work in; empty: the role's search path"), values.schema
    )
    prepare: str = setting(
        "DB_PREPARE",
        "auto",
        sentence(
            "Whether statements are prepared on PostgreSQL: auto (not behind a pooler), always (PgBouncer with "
            "max_prepared_statements) or never"
        ),
        values.choice("auto", "always", "never"),
    )
    connect_seconds: int = setting(
        "DB_CONNECT_TIMEOUT",
        "3",
        sentence("How long PostgreSQL may take to let one in, seconds"),
        values.number(2, 60),
    )
    statement_seconds: int = setting(
        "DB_STATEMENT_TIMEOUT",
        "5",
        sentence("How long one statement may take on PostgreSQL, seconds"),
        values.number(1, 600),
    )
    lock_seconds: int = setting(
        "DB_LOCK_TIMEOUT",
        "5",
        sentence("How long is waited for a lock, on SQLite for its writer; seconds"),
        values.number(1, 60),
    )
    idle_seconds: int = setting(
        "DB_IDLE_TRANSACTION_TIMEOUT",
        "15",
        sentence("After how long PostgreSQL ends a transaction that nobody goes on with, seconds"),
        values.number(1, 600),
    )
    pool_seconds: int = setting(
        "DB_POOL_TIMEOUT", "3", sentence("How long a request waits for a connection, seconds"), values.number(1, 60)
    )
    tcp_seconds: int = setting(
        "DB_TCP_TIMEOUT",
        "10",
        sentence("After how long a network that is silent counts as broken (tcp_user_timeout, keepalives), seconds"),
        values.number(1, 600),
    )
    pool_size: int = setting(
        "DB_POOL_SIZE", "8", sentence("PostgreSQL connections each worker keeps"), values.number(1, 200)
    )
    redis_url: str = setting(
        "REDIS_URL",
        "",
        sentence("redis://…, rediss://…, unix://… or redis+sentinel://host,host/name; empty: the embedded store"),
        redis_urls.redis_url,
        True,
    )
    redis_prefix: str = setting(
        "REDIS_PREFIX",
        "",
        sentence("Begins every key in Redis, the denylist's too; give each portal its own where several share a Redis"),
        redis_urls.prefix,
    )
