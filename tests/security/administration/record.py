"""Forms about what is on record and what is open."""

from collections.abc import Callable

from tests.security.administration.offices import sent
from tests.security.changes import Form
from tests.security.parties import Parties

FORMS: dict[str, Callable[[Parties], Form]] = {"admin_audit.export": sent("/admin/audit/export", format="csv")}
