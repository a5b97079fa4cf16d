"""The database of a portal: a request's unit of work, its connections, what SQLite and PostgreSQL each need."""

from app.database.connections import only_reads
from app.database.failures import UNAVAILABLE, is_of_the_schema, reason
from app.database.unit_of_work import PortalDatabase

__all__ = ["UNAVAILABLE", "PortalDatabase", "is_of_the_schema", "only_reads", "reason"]
