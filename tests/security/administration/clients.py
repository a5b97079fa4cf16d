"""Forms about applications."""

from collections.abc import Callable
from urllib.parse import urlencode

from tests.security.administration.offices import administrator
from tests.security.changes import Form
from tests.security.parties import Parties

ADDRESS = "https://client.example.com/more"


def address(parties: Parties, uri: str) -> Form:
    """The form that registers an address of an application."""
    query = urlencode({"uri": uri})
    return Form(administrator(parties), f"/admin/clients/{parties.web.client_id}/redirect-uris/new?{query}")


def registered_address(parties: Parties) -> Form:
    form = address(parties, f"{ADDRESS}/{parties.count}")
    done = form.send(form.token())
    assert done.status_code == 303
    return Form(form.browser, done.location)


FORMS: dict[str, Callable[[Parties], Form]] = {
    "admin.new_address": lambda parties: address(parties, ADDRESS),
    "admin.registered_address": registered_address,
}
