"""Every form of the administration, ready to be sent; a module for each of its rooms."""

from collections.abc import Callable

from tests.security.administration import clients, delivery, keys, people, record, rights, system
from tests.security.changes import Form
from tests.security.parties import Parties

FORMS: dict[str, Callable[[Parties], Form]] = {
    **people.FORMS,
    **rights.FORMS,
    **clients.FORMS,
    **record.FORMS,
    **keys.FORMS,
    **system.FORMS,
    **delivery.FORMS,
}
"""By endpoint: a form that changes something when its token is good."""
