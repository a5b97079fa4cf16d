"""Forms about applications."""

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import urlencode

from flask.testing import FlaskClient

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


def application(parties: Parties) -> tuple[FlaskClient, str]:
    """An administrator's browser, and the page of an application that is there for this form alone."""
    browser = administrator(parties)
    client_id = f"app-{parties.count}"
    made = parties.run("clients", "create", client_id, "--redirect-uri", ADDRESS, "--confidential", "--scope", "openid")
    assert made.exit_code == 0, made.output
    return browser, f"/admin/clients/{client_id}"


def seen(browser: FlaskClient, path: str) -> str:
    """What a form was shown beside."""
    found = re.search(r'name="seen" value="([^"]*)"', browser.get(path).text)
    assert found
    return unescape(found[1])


def part(of: str, /, **values: str) -> Callable[[Parties], Form]:
    """The form that changes a part of a registration, what it does having been seen."""

    def form(parties: Parties) -> Form:
        browser, page = application(parties)
        path = f"{page}/{of}"
        return Form(browser, path, {"seen": seen(browser, path), "sure": "y", **values})

    return form


def plain(name: str, *before: str) -> Callable[[Parties], Form]:
    """A form of one button, after such commands about the application."""

    def form(parties: Parties) -> Form:
        browser, page = application(parties)
        client_id = page.rpartition("/")[2]
        for command in before:
            assert parties.run("clients", command, client_id).exit_code == 0
        return Form(browser, f"{page}/{name}")

    return form


def undone(parties: Parties) -> Form:
    form = part("about", name="Another")(parties)
    done = form.send(form.token())
    assert done.status_code == 303
    page, _, query = done.location.partition("?")
    return Form(form.browser, f"{page}/undo?{query}")


def ended_secret(parties: Parties) -> Form:
    form = part("secrets/new", overlap="86400")(parties)
    assert form.send(form.token()).status_code == 200
    page = form.path.removesuffix("/new")
    found = re.search(rf'href="({page}/[^"/]+/end)"', form.browser.get(page).text)
    assert found
    return Form(form.browser, found[1])


def deletion(parties: Parties) -> Form:
    browser, page = application(parties)
    return Form(browser, f"{page}/delete", {"client_id": page.rpartition("/")[2]})


def newcomer(parties: Parties) -> Form:
    said = {"name": "Shop", "client_id": f"shop-{parties.count}", "redirect_uris": ADDRESS, "allowed_scopes": "openid"}
    path = "/admin/new-client/redirect"
    return Form(administrator(parties), path, {**said, "consent_policy": "once", "sure": "y"})


FORMS: dict[str, Callable[[Parties], Form]] = {
    "admin.new_address": lambda parties: address(parties, ADDRESS),
    "admin.registered_address": registered_address,
    "admin_clients.about": part("about", name="Another"),
    "admin_clients.addresses": part("addresses", redirect_uris=f"{ADDRESS}/other"),
    "admin_clients.access": part("access", grant_types="authorization_code", consent_policy="always"),
    "admin_clients.proof": part("proof", auth_method="client_secret_post"),
    "admin_clients.tokens": part(
        "tokens",
        access_number="5",
        access_unit="60",
        refresh_unit="60",
        id_token_signed_response_alg="RS256",
    ),
    "admin_clients.undo": undone,
    "admin_clients.new_secret": part("secrets/new", overlap="0"),
    "admin_clients.end_secret": ended_secret,
    "admin_clients.disable": plain("disable"),
    "admin_clients.enable": plain("enable", "disable"),
    "admin_clients.delete": deletion,
    "admin_new_client.register": newcomer,
}
