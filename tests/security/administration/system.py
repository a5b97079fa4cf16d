"""Forms about the portal itself."""

from collections.abc import Callable

from app.services.foundation.environment import NOBODY
from tests.security.administration.offices import administrator, sent
from tests.security.changes import Form
from tests.security.parties import Parties


def stopping(parties: Parties) -> Form:
    """The button that ends a run of the self-check."""
    with parties.app.app_context():
        services = parties.app.extensions["services"]
        services.selfchecks.begin("http://localhost:8000", 1, NOBODY)
        services.db.session.commit()
    return Form(administrator(parties), "/admin/self-check/stop", {}, "/admin/self-check")


def trying_a_provider(parties: Parties) -> Form:
    """The button that asks a provider whether a login by it would work."""
    return Form(administrator(parties), "/admin/providers/kakao/test", {}, "/admin/providers/kakao")


FORMS: dict[str, Callable[[Parties], Form]] = {
    "admin_selfcheck.new": sent("/admin/self-check/new", way="inside"),
    "admin_selfcheck.stop": stopping,
    "admin_providers.test": trying_a_provider,
}
