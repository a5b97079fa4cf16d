"""Failures: which errors mean that the database cannot be used now, and what is said of one in a line."""

import sqlite3

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

UNAVAILABLE = (OperationalError, InterfaceError, NoConnection)
"""Nothing is wrong with what was asked; asked again later it may be answered."""
OF_THE_DRIVERS = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    sqlite3.OperationalError,
    sqlite3.InterfaceError,
)
READ_ONLY = "25006"
LEFT_ALONE = frozenset({"25P03", "25P04"})
"""A transaction that did nothing, or went on, for too long. The driver takes these, and read-only ones, for its own."""
ENDED = frozenset({"57P01", "57P02", "57P03", "57P04", "57P05"})
FOREIGN = frozenset({"42P01", "42703", "3F000"})
"""The schema is not this code's: no such table, column or schema."""
FORBIDDEN = "42501"
"""The role may not; no request is to blame for that."""
DEADLOCK = "40P01"
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def is_outage(error: BaseException) -> bool:
    """Whether an error of a driver says that the database cannot serve, and nothing of what it was asked."""
    if isinstance(error, OF_THE_DRIVERS) or ends_connection(error):
        return True
    if is_of_the_schema(error) or getattr(error, "sqlstate", None) == FORBIDDEN:
        return True
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGED


def is_of_the_schema(error: BaseException | None) -> bool:
    """Whether the tables or columns that a statement of ours needs are not there."""
    if isinstance(error, sqlite3.OperationalError):
        return str(error).startswith(("no such table", "no such column"))
    return isinstance(error, psycopg.Error) and error.sqlstate in FOREIGN


def is_deadlock(error: DBAPIError) -> bool:
    """Whether two waited for each other, and this one was taken back so that the other could go on."""
    return isinstance(error.orig, psycopg.Error) and error.orig.sqlstate == DEADLOCK


def ends_connection(error: BaseException) -> bool:
    """Whether the server said that this connection is over, or that it is none to write to.

    A server that can only be read is one that another has taken over from: what has to be asked is that one.
    """
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    return state == READ_ONLY or state in LEFT_ALONE or state in ENDED


def unavailable(error: Exception) -> OperationalError:
    """The error of a driver as SQLAlchemy's, which is what a request that met it is answered by."""
    return error if isinstance(error, OperationalError) else OperationalError(None, None, error, hide_parameters=True)


def reason(error: Exception, database_url: str) -> str:
    """Why the database cannot be used, in one line, and without the password, which a host that is not one may hold."""
    if isinstance(error, NoConnection):
        return "all its connections are in use"
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    text = " ".join(str(cause).split()).rstrip(".")
    password = sa.make_url(database_url).password
    return "it cannot be reached" if password and password in text else text
