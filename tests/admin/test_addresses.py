"""Registering the address that a request was refused for: who may, what can be, and that the command's rule holds."""

import html
import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.errors import AdministratorsOnly, InvalidInput
from app.services.clients.registration import MOST_ADDRESSES, ListChange
from app.services.foundation.environment import NOBODY, Caller
from app.services.foundation.powers import FULL_POWERS
from app.web.protocol import addresses
from tests.account.browsing import Facts, english, send, shown
from tests.cli.test_commands import run
from tests.clock import Clock
from tests.relying_party import (
    EMAIL,
    PASSWORD,
    REDIRECT_URI,
    RelyingParty,
    add_client,
    add_person,
    answer,
    csrf_token,
    log_in,
)
from tests.security.answers import is_page

NEW = "https://client.example.com/new?a=1&b=%20"
MEMBER = "bob@example.com"
LINK = re.compile(r'<a class="btn[^"]*" href="(/admin/[^"]*)">')
PATHS = {
    "authorize": ("redirect_uri", "redirect-uris"),
    "logout": ("post_logout_redirect_uri", "post-logout-redirect-uris"),
}
UNFIT = {
    "script": "javascript:alert(1)",
    "data": "data:text/html,<script>alert(1)</script>",
    "fragment": f"{REDIRECT_URI}#a",
    "wildcard": "https://*.example.com/callback",
    "plain http": "http://client.example.com/callback",
    "user": "https://ada:secret@client.example.com/callback",
    "registered as user": "https://client.example.com@evil.test/callback",
    "line feed": f"{REDIRECT_URI}\nLocation: https://evil.test/",
    "cyrillic letter": REDIRECT_URI.replace("c", "\u0441", 1),
    "zero-width space": f"{REDIRECT_URI}\u200b",
    "decomposed hangul": "https://client.example.com/\u1100\u1161",
    "full-width letter": "https://\uff43lient.example.com/callback",
    "a parameter of the answer": f"{REDIRECT_URI}?code=1",
    "markup": f'{REDIRECT_URI}"><script>alert(1)</script>',
    "no host": "https:///callback",
    "nothing": "",
    "100 KB": f"https://client.example.com/{'a' * 100_000}",
}


class Desk:
    """An administrator in a browser, and a client somebody asks for with an address that is not registered."""

    def __init__(self, app: Flask, client_id: str = "shop") -> None:
        self.app, self.client_id = app, client_id
        self.user_id = add_person(app, is_admin=True)
        add_client(app, client_id, post_logout=["https://client.example.com/goodbye"])
        self.browser = english(app)
        assert log_in(self.browser).status_code == 303

    @property
    def client(self) -> RelyingParty:
        return RelyingParty(self.browser, self.client_id)

    def refused(self, path: str = "authorize", uri: str = NEW, **more: str) -> TestResponse:
        """The page of the request that is refused."""
        if path == "authorize":
            return self.client.authorize(redirect_uri=uri, **more)
        asked = {"client_id": self.client_id, "post_logout_redirect_uri": uri, **more}
        return self.browser.get(f"/api/oauth/{path}", query_string=asked)

    def link(self, path: str = "authorize", uri: str = NEW, **more: str) -> str:
        """Where that page leads to register the address."""
        page = self.refused(path, uri, **more)
        assert page.status_code == 400
        (link,) = links(page)
        return link

    def listed(self, column: str = "redirect_uris", client_id: str = "") -> list[str]:
        """The addresses that are registered."""
        with self.app.app_context():
            return list(getattr(self.app.extensions["services"].clients.get(client_id or self.client_id), column))

    def register(self, link: str) -> str:
        """Press the button; answers the page it leads to."""
        done = send(self.browser, link)
        assert done.status_code == 303, done.text
        return str(done.location)


def links(page: TestResponse) -> list[str]:
    return [html.unescape(each) for each in LINK.findall(page.text)]


def at(path: str = "redirect-uris", client_id: str = "shop", name: str = "new", **query: str) -> str:
    return f"/admin/clients/{client_id}/{path}/{name}?{urlencode(query or {'uri': NEW})}"


@pytest.fixture
def desk(make_app: Callable[..., Flask], database_url: str) -> Desk:
    """On each engine."""
    return Desk(make_app(database_url))


@pytest.fixture
def here(app: Flask) -> Desk:
    """Where the engine is all the same."""
    return Desk(app)


@pytest.mark.parametrize("path", PATHS)
def test_what_was_refused_is_registered_and_counts_at_the_next_request(desk: Desk, path: str) -> None:
    parameter, named = PATHS[path]
    question = desk.link(path)
    assert urlsplit(question).path == f"/admin/clients/shop/{named}/new"
    page = desk.browser.get(question)
    said = shown(page)
    for expected in ("Register this URI for the application?", "shop", "client.example.com/", "Differs in: the path"):
        assert expected in said
    assert "[differs:" in page.text
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert is_page(page, 200)
    registered = desk.register(question)
    assert desk.listed(f"{parameter}s")[-1] == NEW
    assert len(desk.listed(f"{parameter}s")) == 2
    done = desk.browser.get(registered)
    assert is_page(done, 200)
    assert "It counts from the next request on." in shown(done)
    assert desk.refused(path).status_code != 400
    # Loading the page again, or pressing the button in another tab, changes nothing more.
    assert desk.browser.get(registered).status_code == 200
    assert desk.browser.get(question).location.startswith(f"/admin/clients/shop/{named}/registered?")
    assert len(desk.listed(f"{parameter}s")) == 2


def test_a_code_comes_to_the_new_address_and_can_be_redeemed(desk: Desk) -> None:
    page = desk.browser.get(desk.register(desk.link()))
    again = re.search(r'href="([^"]+)">Try the request again', page.text)
    assert again
    response = desk.browser.get(html.unescape(again[1]))
    # Nothing of the request was left out on the way, so it is the application's own answer.
    assert response.location.startswith(NEW + "&")
    assert answer(response)["state"] == "the-state"
    tokens = desk.client.redeem(answer(response)["code"], redirect_uri=NEW)
    assert tokens.status_code == 200, tokens.text


@pytest.mark.parametrize("path", PATHS)
def test_it_can_be_taken_back_for_a_while(desk: Desk, path: str) -> None:
    column = f"{PATHS[path][0]}s"
    before = desk.listed(column)
    registered = desk.register(desk.link(path))
    code = answer(desk.refused())["code"] if path == "authorize" else ""
    undone = send(desk.browser, registered)
    assert undone.status_code == 303
    assert desk.listed(column) == before
    assert "The address is no longer registered." in shown(desk.browser.get(undone.location))
    assert desk.refused(path).status_code == 400
    if code:
        # Whoever listens there must not redeem what it got meanwhile.
        assert desk.client.redeem(code, redirect_uri=NEW).status_code == 400
    # Once more is as good as once.
    again = desk.register(desk.link(path))
    run(desk.app, "clients", "update", f"--remove-{PATHS[path][0].replace('_', '-')}", NEW, "shop")
    token = {"csrf_token": csrf_token(desk.browser, undone.location)}
    assert desk.browser.post(again, data=token).status_code == 303
    assert desk.listed(column) == before


def test_it_is_on_record_as_the_command_is_with_the_administrator_and_the_request(desk: Desk) -> None:
    facts = Facts(desk.app)
    records = (
        "SELECT action, client_id, success, error_code, details, actor, user_id, ip FROM oauth_audit_logs "
        "WHERE action = 'client:changed' AND actor = :actor"
    )
    run(desk.app, "clients", "update", "shop", "--add-redirect-uri", "https://client.example.com/other")
    (command,) = facts.all(records, actor="operator")
    done = send(desk.browser, desk.link())
    (page,) = facts.all(records, actor=desk.user_id)
    assert [*page][:4] == [*command][:4] == ["client:changed", "shop", True, None]
    told = [each.details if isinstance(each.details, dict) else json.loads(each.details) for each in (command, page)]
    assert told[1] == {**told[0], "request": done.headers["X-Request-ID"]}
    assert (command.actor, command.user_id) == ("operator", None)
    assert (page.actor, page.user_id, page.ip) == (desk.user_id, desk.user_id, "127.0.0.1")
    assert "You changed what is registered about shop." in shown(desk.browser.get("/account/activity"))
    # Nothing is said of what changed nothing.
    count = facts.one("SELECT count(*) FROM oauth_audit_logs")
    with desk.app.app_context():
        services = desk.app.extensions["services"]
        services.clients.update("shop", {"redirect_uris": ListChange(add=(NEW,))}, NOBODY)
        services.db.commit()
    assert facts.one("SELECT count(*) FROM oauth_audit_logs") == count


def test_the_record_is_exported_to_the_administrator_and_erased_with_the_account(desk: Desk) -> None:
    add_person(desk.app, "root@example.com", is_admin=True)
    desk.register(desk.link())
    exported = desk.browser.get("/account/data/export.json").json
    (told,) = [each for each in exported["activity"] if each["action"] == "client:changed"]
    assert (told["actor"], told["client_id"]) == (desk.user_id, "shop")
    run(desk.app, "users", "delete", EMAIL)
    record = Facts(desk.app).all("SELECT user_id, actor, ip FROM oauth_audit_logs WHERE action = 'client:changed'")
    assert [tuple(each) for each in record] == [(desk.user_id, "", "")]


def test_many_who_register_at_once_lose_nothing(desk: Desk) -> None:
    wanted = [f"https://client.example.com/{number}" for number in range(12)]
    barrier = threading.Barrier(len(wanted))

    def register(uri: str) -> int:
        barrier.wait(60)
        with desk.app.app_context():
            services = desk.app.extensions["services"]
            caller = services.administrators.acting(desk.user_id, Caller())
            services.clients.update("shop", {"redirect_uris": ListChange(add=(uri,))}, caller)
            services.db.commit()
        return 1

    with ThreadPoolExecutor(len(wanted)) as pool:
        assert sum(pool.map(register, wanted)) == len(wanted)
    assert sorted(desk.listed()) == sorted([REDIRECT_URI, *wanted])


def test_who_is_no_administrator_any_more_changes_nothing(desk: Desk) -> None:
    add_person(desk.app, "root@example.com", is_admin=True)
    with desk.app.app_context():
        services = desk.app.extensions["services"]
        assert services.administrators.acting(desk.user_id, Caller("127.0.0.1", request_id="r")) == Caller(
            "127.0.0.1", "", desk.user_id, "r", desk.user_id, FULL_POWERS
        )
        for change in (
            lambda: services.administration.set_role(EMAIL, "member"),
            lambda: (services.administration.set_role(EMAIL, "admin"), services.administration.disable(EMAIL)),
        ):
            change()
            with pytest.raises(AdministratorsOnly):
                services.administrators.acting(desk.user_id, NOBODY)
        with pytest.raises(AdministratorsOnly):
            services.administrators.acting("nobody", NOBODY)


def test_a_disabled_administrator_is_nobody(here: Desk) -> None:
    add_person(here.app, "root@example.com", is_admin=True)
    link = here.link()
    form = {"csrf_token": csrf_token(here.browser, link)}
    run(here.app, "users", "disable", EMAIL)
    assert here.browser.get(link).location.startswith("/login?next=/admin/")
    assert here.browser.post(link, data=form).location.startswith("/login?next=/admin/")
    assert links(here.refused()) == []
    assert here.listed() == [REDIRECT_URI]


def test_who_is_not_logged_in_comes_back_to_the_question(here: Desk) -> None:
    link = here.link()
    stranger = english(here.app)
    to_login = stranger.get(link)
    assert to_login.status_code == 303
    assert urlsplit(to_login.location).path == "/login"
    assert parse_qs(urlsplit(to_login.location).query)["next"] == [link]
    assert log_in(stranger, path=to_login.location).location == link
    assert "Register this URI for the application?" in shown(stranger.get(link))
    assert english(here.app).post(link).location.startswith("/login?next=/admin/")
    assert english(here.app).options(link).status_code == 303
    assert here.listed() == [REDIRECT_URI]


def test_members_see_neither_link_nor_page(here: Desk) -> None:
    link = here.link()
    registered = here.register(here.link(uri=f"{NEW}&c"))
    add_person(here.app, MEMBER)
    browser = english(here.app)
    assert log_in(browser, MEMBER).status_code == 303
    for path in (link, registered, at(client_id="nobody"), at(uri="x")):
        page = browser.get(path)
        assert is_page(page, 403)
        assert "Only administrators of the platform can use this page." in html.unescape(page.text)
        assert 'href="/"' in page.text
        assert NEW not in html.unescape(page.text.partition("<main")[2].partition("</main>")[0]).replace(quote(NEW), "")
        assert send(browser, path, "/logout").status_code == 403
    assert links(RelyingParty(browser, "shop").authorize(redirect_uri=NEW)) == []
    assert links(RelyingParty(english(here.app), "shop").authorize(redirect_uri=NEW)) == []
    assert here.listed() == [REDIRECT_URI, f"{NEW}&c"]


def test_a_proof_is_asked_once_more_and_leads_back(here: Desk, clock: Clock) -> None:
    link = here.link()
    registered = here.register(here.link(uri=f"{NEW}&c"))
    token = {"csrf_token": csrf_token(here.browser, link)}
    clock.advance(seconds=601)
    for path in (link, registered):
        for response in (here.browser.get(path), here.browser.post(path, data=token)):
            assert urlsplit(response.location).path == "/confirm"
            assert parse_qs(urlsplit(response.location).query)["next"] == [path]
    assert here.listed() == [REDIRECT_URI, f"{NEW}&c"]
    back = send(here.browser, response.location, password=PASSWORD)
    assert back.location == registered
    assert "Undo" in shown(here.browser.get(registered))
    here.register(link)
    assert here.listed() == [REDIRECT_URI, f"{NEW}&c", NEW]


@pytest.mark.parametrize("path", PATHS)
def test_a_form_of_nobodys_or_somebody_elses_changes_nothing(here: Desk, path: str) -> None:
    parameter, _ = PATHS[path]
    add_person(here.app, "root@example.com", is_admin=True)
    other = english(here.app)
    log_in(other, "root@example.com")
    link = here.link(path)
    registered = here.register(here.link(path, f"{NEW}&c"))
    foreign = csrf_token(other, link)
    before = here.listed(f"{parameter}s")
    for target in (link, registered):
        for form, status in (({}, 400), ({"csrf_token": "x"}, 400), ({"csrf_token": foreign}, 409)):
            assert here.browser.post(target, data=form).status_code == status
        own = csrf_token(here.browser, target)
        sent = here.browser.post(target, data={"csrf_token": own}, headers={"Origin": "https://evil.test"})
        assert sent.status_code == 403
    assert here.listed(f"{parameter}s") == before


def test_what_cannot_be_registered_is_offered_and_taken_nowhere(here: Desk) -> None:
    token = csrf_token(here.browser, "/logout")
    for uri in UNFIT.values():
        refused = here.refused(uri=uri)
        assert links(refused) == [], uri
        if uri:
            assert "cannot be registered: send one that is" in refused.text, uri
            assert "Register exactly this URI" not in refused.text, uri
        for named in ("redirect-uris", "post-logout-redirect-uris"):
            for name in ("new", "registered"):
                path = at(named, name=name, uri=uri)
                page = here.browser.get(path)
                assert is_page(page, 400)
                assert not uri or uri not in html.unescape(page.text.partition("<main")[2].partition("</main>")[0])
                assert here.browser.post(path, data={"csrf_token": token}).status_code == 400
    assert here.listed() == [REDIRECT_URI]


def test_a_link_names_one_address_of_a_client_there_is(here: Desk) -> None:
    for path, status in (
        (at(client_id="nobody"), 404),
        (at(client_id="%EC%95%B1"), 404),
        (at(client_id="portal"), 400),
        (f"/admin/clients/shop/redirect-uris/new?{urlencode([('uri', NEW), ('uri', NEW)])}", 400),
        (f"{at()}&request=a&request=b", 400),
        ("/admin/clients/shop/redirect-uris/new", 400),
        ("/admin/clients/shop/nonsense/new", 404),
        (f"{at()}%00", 400),
    ):
        assert here.browser.get(path).status_code == status, path
        assert send(here.browser, path, "/logout").status_code in {400, 404}, path
    assert here.listed() == [REDIRECT_URI]


def test_the_portals_own_client_and_a_full_one_are_offered_nothing(here: Desk) -> None:
    asked = {"client_id": "portal", "response_type": "code", "redirect_uri": NEW}
    page = here.browser.get("/api/oauth/authorize", query_string=asked)
    assert (page.status_code, links(page)) == (400, [])
    assert "clients update" not in page.text
    link = here.link()
    full = [f"https://client.example.com/{number}" for number in range(MOST_ADDRESSES)]
    with here.app.app_context():
        services = here.app.extensions["services"]
        services.clients.update("shop", {"redirect_uris": full})
        services.db.commit()
        for change in (ListChange(add=(NEW,)), [*full, NEW]):
            with pytest.raises(InvalidInput, match="at most 100"):
                services.clients.update("shop", {"redirect_uris": change})
        assert services.clients.update("shop", {"redirect_uris": ListChange(add=(full[3],))}).names == ()
        with pytest.raises(InvalidInput, match="at most 100"):
            services.clients.create("other", redirects=[*full, NEW])
    assert links(here.refused()) == []
    assert here.browser.get(link).status_code == 400
    assert here.listed() == full


def test_a_client_that_older_code_let_have_more_can_still_be_changed(here: Desk) -> None:
    many = [f"https://client.example.com/{number}" for number in range(MOST_ADDRESSES + 2)]
    Facts(here.app).do("UPDATE clients SET redirect_uris = :uris", uris=json.dumps(many))
    with here.app.app_context():
        clients = here.app.extensions["services"].clients
        assert clients.update("shop", {"name": "Shop"}).names == ("name",)
        assert clients.update("shop", {"redirect_uris": ListChange(remove=(many[0],))}).names == ("redirect_uris",)
        with pytest.raises(InvalidInput, match="at most 100"):
            clients.update("shop", {"redirect_uris": ListChange(add=(NEW, f"{NEW}&c"))})


def test_a_client_that_is_turned_off_is_told_so(here: Desk) -> None:
    link = here.link()
    run(here.app, "clients", "disable", "shop")
    assert "The client is turned off" in shown(here.browser.get(link))
    page = shown(here.browser.get(here.register(link)))
    assert "The client is turned off" in page
    assert "Try the request again" not in page
    assert here.listed() == [REDIRECT_URI, NEW]
    assert here.refused().status_code == 400


def test_nothing_else_is_taken_back_here(here: Desk) -> None:
    others = here.register(here.link(uri=f"{NEW}&c"))
    mark = parse_qs(urlsplit(others).query)["added"][0]
    add_person(here.app, "root@example.com", is_admin=True)
    second = english(here.app)
    log_in(second, "root@example.com")
    for browser, path in (
        (here.browser, at(name="registered", uri=REDIRECT_URI)),
        (here.browser, at(name="registered", uri=REDIRECT_URI, added=mark)),
        (here.browser, at(name="registered", uri=REDIRECT_URI, added="x")),
        (second, others),
    ):
        page = shown(browser.get(path))
        assert "registered already, so nothing was changed" in page
        assert "Undo" not in page
        refused = send(browser, path, "/logout")
        assert refused.status_code == 400
        assert "not registered here a short while ago" in html.unescape(refused.text)
    assert here.listed() == [REDIRECT_URI, f"{NEW}&c"]


def test_the_last_address_of_a_client_that_gets_codes_stays(here: Desk) -> None:
    registered = here.register(here.link())
    run(here.app, "clients", "update", "shop", "--remove-redirect-uri", REDIRECT_URI)
    refused = send(here.browser, registered)
    assert refused.status_code == 400
    assert "The authorization code grant needs a redirect URI." in refused.text
    assert here.listed() == [NEW]


def test_only_a_whole_request_is_tried_again(here: Desk) -> None:
    for more, is_offered in (
        ({}, True),
        ({"prompt": "login"}, True),
        ({"login_hint": "hinted@example.com"}, False),
        ({"anything": "unheard-of"}, False),
        ({"display": "popup"}, False),
        ({"response_mode": "web_message"}, False),
        ({"state": "s" * 6500}, False),
    ):
        link = here.link(**more)
        assert "hinted" not in link
        assert "unheard-of" not in link
        question = here.browser.get(link)
        # The way back shows the refusal, whatever could be carried.
        back = re.search(r'href="([^"]+)">Back to the refused request', question.text)
        assert back
        assert "invalid_redirect_uri" in here.browser.get(html.unescape(back[1])).text
        registered = here.register(link)
        page = shown(here.browser.get(registered))
        assert ("Try the request again" in page) == is_offered, more
        assert ("Go back to the application and start there once more." in page) != is_offered, more
        assert send(here.browser, registered).status_code == 303


def test_a_link_carries_no_other_request(here: Desk) -> None:
    mine = f"redirect_uri={quote(NEW, safe='')}"
    for request_of_another in (
        f"client_id=other&{mine}",
        "client_id=shop&redirect_uri=https%3A%2F%2Fevil.test%2F",
        f"client_id=shop&{mine}&{mine}",
        f"client_id=shop&{mine}&id_token_hint=x",
        f"client_id=shop&{mine}&state=%FF",
        "https://evil.test/",
        "x" * 7001,
    ):
        link = at(uri=NEW, request=request_of_another)
        page = here.browser.get(link)
        assert "evil.test" not in is_page(page, 200).text
        registered = here.register(link)
        assert "request=" not in registered
        assert "Try the request again" not in shown(here.browser.get(registered))
        assert send(here.browser, registered).status_code == 303


def test_a_link_is_offered_only_where_the_server_can_read_it(here: Desk) -> None:
    # Percent signs grow fourfold on the way over the page that asks for a proof.
    assert links(here.refused(uri=f"https://client.example.com/{'%' * 1900}")) == []
    longest = f"https://client.example.com/{'a' * 1973}"
    assert len(longest) == 2000
    link = here.link(uri=longest)
    assert len(link) < addresses.LONGEST_LINK
    here.register(link)
    assert here.listed()[-1] == longest


def test_an_application_whose_id_is_dots_is_left_to_the_command(app: Flask) -> None:
    desk = Desk(app, "..")
    page = desk.refused()
    assert links(page) == []
    assert "clients update" in page.text


@pytest.mark.parametrize("path", ["new", "registered"])
def test_the_pages_hold_no_markup_of_a_client(here: Desk, path: str) -> None:
    hostile: dict[str, Any] = {"name": "<img src=x onerror=alert(1)>"}
    with here.app.app_context():
        services = here.app.extensions["services"]
        services.clients.update("shop", hostile)
        services.db.commit()
    uri = "https://client.example.com/'onmouseover='alert(1)'{{7+7}}"
    if path == "registered":
        run(here.app, "clients", "update", "shop", "--add-redirect-uri", uri)
    markup = is_page(here.browser.get(at(name=path, uri=uri)), 200)
    assert "{{7+7}}" in markup.text
    assert "img" not in {tag for tag, *_ in markup.tags} or "x" not in markup.addresses
