"""Forms about signing keys."""

from collections.abc import Callable

from tests.security.administration.offices import administrator, sent
from tests.security.changes import Form
from tests.security.parties import Parties


def retirement(parties: Parties) -> Form:
    """The form that ends a key which signs nothing yet."""
    with parties.app.app_context():
        keys = parties.app.extensions["services"].keys.describe()
    kid = next(each.kid for each in keys if each.status == "next")
    return Form(administrator(parties), f"/admin/keys/{kid}/retire")


FORMS: dict[str, Callable[[Parties], Form]] = {
    "admin_keys.rotate": sent("/admin/keys/rotate", algorithm="ES256"),
    "admin_keys.retire": retirement,
}
