"""The database of a portal: a request's unit of work, its connections, what SQLite and PostgreSQL each need."""

from app.database.connections import enter, only_reads
from app.database.contexts import ADMINISTRATION, AUTHENTICATION, BILLING, NOBODY, PROTOCOL, person
from app.database.failures import UNAVAILABLE, is_of_the_schema, reason
from app.database.unit_of_work import PortalDatabase

__all__ = [
    "ADMINISTRATION",
    "AUTHENTICATION",
    "BILLING",
    "NOBODY",
    "PROTOCOL",
    "UNAVAILABLE",
    "PortalDatabase",
    "enter",
    "is_of_the_schema",
    "only_reads",
    "person",
    "reason",
]
