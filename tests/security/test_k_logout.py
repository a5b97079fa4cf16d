"""Section K, RP-initiated logout: who may end a session, and where the browser is led afterwards.

OpenID Connect RP-Initiated Logout 1.0. What is over with a session stands in ``test_k_session_end.py``.
"""

from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.conformance import id_tokens
from tests.relying_party import REDIRECT_URI, RelyingParty
from tests.security.answers import is_challenged, is_page, is_refused
from tests.security.ending import (
    CONFIRM,
    LEAVE,
    LOGOUT,
    WITH_QUERY,
    asked,
    elsewhere,
    hint_of,
    is_alive,
    is_asked,
    is_gone,
    is_over,
    is_stopped,
    nothing_ended,
)
from tests.security.parties import Parties


@pytest.fixture(scope="module")
def registered(parties: Parties) -> RelyingParty:
    """A client that registered where to go after logout, in Ada's browser: its tests end nothing."""
    return parties.client("leaving", is_confidential=True, post_logout=[LEAVE, WITH_QUERY])


@pytest.fixture
def leaving(registered: RelyingParty) -> RelyingParty:
    """The same client on another device of Ada's, where she may be logged out."""
    return elsewhere(registered)


@pytest.fixture(scope="module")
def hint(registered: RelyingParty) -> str:
    """An ID token of Ada's."""
    return hint_of(registered)


STATES = [
    "s",
    "s" * 128,
    "a b&c=d",
    "#x",
    "?y=z",
    "%2F%00",
    "\u00fc\ud55c",
    "<script>",
    "\r\nX: y",
    "https://evil.test/",
]


@pytest.mark.parametrize(
    ("to", "state", "expected"),
    [
        (LEAVE, "s", f"{LEAVE}?state=s"),
        (None, "s", "/logged-out?client_id=leaving"),
    ],
)
def test_k191_a_hint_of_the_person_ends_the_session_and_leads_back(
    leaving: RelyingParty, to: str | None, state: str | None, expected: str
) -> None:
    values = {"post_logout_redirect_uri": to, "state": state, "id_token_hint": hint_of(leaving)}
    response = asked(leaving.browser, **{name: value for name, value in values.items() if value is not None})
    is_gone(response, expected)
    is_over(leaving)


@pytest.mark.parametrize("state", STATES, ids=lambda state: ascii(state)[:20])
def test_k191_the_state_comes_back_as_it_was_sent(parties: Parties, hint: str, state: str) -> None:
    """Who is logged in nowhere is led back as well."""
    response = asked(parties.nobody, id_token_hint=hint, post_logout_redirect_uri=LEAVE, state=state)
    parts = urlsplit(response.location)
    assert response.location.startswith(f"{LEAVE}?state=")
    assert (parse_qsl(parts.query, strict_parsing=True), parts.fragment) == ([("state", state)], "")
    assert "X" not in response.headers


@pytest.mark.parametrize(
    "more", ["state=%ff", "state=a%ed%a0%80", "state=a&state=b", f"state={'x' * 8193}"], ids=lambda more: more[:20]
)
def test_k191_a_state_that_cannot_come_back_as_it_was_sent_is_refused(parties: Parties, hint: str, more: str) -> None:
    """As at the authorization endpoint: bytes that are no UTF-8, one of two, and more than anybody needs."""
    query = f"id_token_hint={hint}&post_logout_redirect_uri={LEAVE}&{more}"
    is_page(parties.nobody.get(f"{LOGOUT}?{query}"))
    is_page(parties.nobody.post(LOGOUT, data=query, content_type="application/x-www-form-urlencoded"))


def test_k191_what_is_not_there_is_not_made_up(parties: Parties, hint: str) -> None:
    for to, state, expected in (
        (LEAVE, None, LEAVE),
        (LEAVE, "", LEAVE),
        (WITH_QUERY, None, WITH_QUERY),
        (WITH_QUERY, "s", f"{WITH_QUERY}&state=s"),
        ("", None, "/logged-out?client_id=leaving"),
    ):
        more = {} if state is None else {"state": state}
        is_gone(asked(parties.nobody, id_token_hint=hint, post_logout_redirect_uri=to, **more), expected)


def test_k191_a_hint_counts_with_another_algorithm_and_beside_its_client_id(parties: Parties) -> None:
    client = elsewhere(parties.client(id_token_signed_response_alg="ES256", post_logout=[LEAVE]))
    values = {"id_token_hint": hint_of(client), "client_id": client.client_id, "post_logout_redirect_uri": LEAVE}
    is_gone(asked(client.browser, **values, logout_hint="x", ui_locales="en"), LEAVE)
    is_over(client)


UNREGISTERED = [
    f"{LEAVE}?foo=bar",
    f"{LEAVE}?",
    f"{LEAVE}#x",
    f"{LEAVE}/",
    f"{LEAVE}/../bye",
    f" {LEAVE}",
    f"{LEAVE} ",
    f"{LEAVE}\n",
    f"{LEAVE}\\",
    "https://client.example.com/BYE",
    "https://client.example.com/by%65",
    "https://CLIENT.example.com/bye",
    "https://client.example.com:443/bye",
    "https://client.example.com:8443/bye",
    "https://client.example.com@evil.test/bye",
    "https://client.example.com.evil.test/bye",
    "https://evil.test/?u=https://client.example.com/bye",
    "http://client.example.com/bye",
    "//client.example.com/bye",
    "/bye",
    "/logged-out",
    "javascript:alert(1)",
    "data:text/html,x",
    "https://client.example.com/out",
    "https://client.example.com/out?from=max",
    REDIRECT_URI,
    "*",
]


@pytest.mark.parametrize("uri", UNREGISTERED, ids=lambda uri: ascii(uri)[:60])
def test_k192_an_address_that_is_not_registered_is_never_gone_to(registered: RelyingParty, hint: str, uri: str) -> None:
    for by in ({"id_token_hint": hint}, {"client_id": "leaving"}):
        for method in ("GET", "POST"):
            response = asked(registered.browser, method, **by, post_logout_redirect_uri=uri, state="s")
            is_stopped(response, "post_logout_redirect_uri")
    is_alive(registered)


@pytest.mark.parametrize("uri", [f"{LEAVE}\x00", "x" * 9000], ids=["NUL", "too long"])
def test_k192_an_address_that_nobody_can_mean_is_refused(registered: RelyingParty, hint: str, uri: str) -> None:
    response = asked(registered.browser, id_token_hint=hint, post_logout_redirect_uri=uri)
    is_page(response)
    nothing_ended(response)
    is_alive(registered)


def test_k192_nor_for_somebody_who_is_logged_in_nowhere(parties: Parties, registered: RelyingParty) -> None:
    for by in ({"id_token_hint": hint_of(registered)}, {"client_id": "leaving"}):
        response = asked(parties.nobody, **by, post_logout_redirect_uri="https://evil.test/")
        is_stopped(response, "post_logout_redirect_uri")


def test_k192_the_address_of_another_client_is_not_registered_for_this_one(
    parties: Parties, registered: RelyingParty
) -> None:
    other = "https://other.example.com/bye"
    parties.client("another", post_logout=[other])
    for by in ({"id_token_hint": hint_of(registered)}, {"client_id": "leaving"}):
        is_stopped(asked(registered.browser, **by, post_logout_redirect_uri=other), "post_logout_redirect_uri")
    hint = hint_of(parties.web)
    is_stopped(asked(parties.browser, id_token_hint=hint, post_logout_redirect_uri=LEAVE), "post_logout_redirect_uri")
    is_alive(registered)


@pytest.mark.parametrize("is_logged_in", [True, False], ids=["logged in", "logged out"])
def test_k192_a_client_that_was_turned_off_is_led_back_to_no_more(parties: Parties, is_logged_in: bool) -> None:
    made = parties.client(post_logout=[LEAVE])
    client = elsewhere(made)
    hint = hint_of(client)
    assert parties.run("clients", "disable", client.client_id).exit_code == 0
    browser = client.browser if is_logged_in else parties.nobody
    response = asked(browser, id_token_hint=hint, post_logout_redirect_uri=LEAVE)
    is_stopped(response, "post_logout_redirect_uri")


def test_k193_an_address_that_nobody_vouches_for_is_not_gone_to(parties: Parties, registered: RelyingParty) -> None:
    for browser in (parties.browser, parties.nobody):
        for method in ("GET", "POST"):
            for by in ({}, {"client_id": "nobody"}, {"client_id": ""}, {"id_token_hint": ""}):
                response = asked(browser, method, **by, post_logout_redirect_uri=LEAVE, state="s")
                is_stopped(response, "post_logout_redirect_uri")
    is_alive(registered)


def test_k193_a_client_id_alone_makes_the_portal_ask_first(leaving: RelyingParty) -> None:
    response = asked(leaving.browser, client_id="leaving", post_logout_redirect_uri=LEAVE, state="the-state")
    form = is_asked(response)
    is_alive(leaving)
    is_gone(leaving.browser.post(CONFIRM, data=form), f"{LEAVE}?state=the-state")
    is_over(leaving)


def test_k193_who_is_logged_in_nowhere_is_asked_as_well(parties: Parties, registered: RelyingParty) -> None:
    """Nobody can use the portal to send people on by a link without a word."""
    is_asked(asked(parties.nobody, client_id="leaving", post_logout_redirect_uri=LEAVE))


def test_k193_the_answer_is_a_form_of_this_browser(parties: Parties, registered: RelyingParty) -> None:
    good = is_asked(asked(registered.browser, client_id="leaving", post_logout_redirect_uri=LEAVE))
    of_others = is_asked(asked(parties.nobody, client_id="leaving", post_logout_redirect_uri=LEAVE))
    for token in (None, "", "forged", of_others["csrf_token"]):
        form = {"request": good["request"], **({} if token is None else {"csrf_token": token})}
        response = registered.browser.post(CONFIRM, data=form)
        assert f'action="{CONFIRM}"' in response.text
        is_page(response)
        nothing_ended(response)
    for method in ("GET", "PUT"):
        assert registered.browser.open(CONFIRM, method=method, query_string=good).status_code == 405
    is_alive(registered)


def test_k193_the_address_in_the_form_cannot_be_changed(parties: Parties, leaving: RelyingParty) -> None:
    """The person said yes, and is logged out; where to go from there is not the sender's to say."""
    for browser in (leaving.browser, parties.nobody):
        for kind in ("changed", "made up", "without seal", "missing"):
            form = is_asked(asked(browser, client_id="leaving", post_logout_redirect_uri=LEAVE))
            seal = form.pop("request").partition(".")
            other = id_tokens.encoded({"client_id": "leaving", "redirect_uri": "https://evil.test/", "state": "s"})
            forged = {
                "changed": f"{other}.{seal[2]}",
                "made up": other,
                "without seal": seal[0],
                "missing": "",
            }[kind]
            is_gone(browser.post(CONFIRM, data={**form, "request": forged}), "/logged-out")
    is_over(leaving)


def test_k193_an_address_that_was_withdrawn_meanwhile_is_not_gone_to(parties: Parties) -> None:
    """The client of the request was turned off before the person answered."""
    made = parties.client(post_logout=[LEAVE])
    client = elsewhere(made)
    asking = asked(client.browser, client_id=client.client_id, post_logout_redirect_uri=LEAVE)
    form = is_asked(asking)
    assert parties.run("clients", "disable", client.client_id).exit_code == 0
    response = client.browser.post(CONFIRM, data=form)
    assert (response.status_code, response.location.partition("?")[0]) == (303, "/logged-out")


def test_k204_a_form_says_the_same_as_a_query(parties: Parties, leaving: RelyingParty) -> None:
    form = {"id_token_hint": hint_of(leaving), "post_logout_redirect_uri": LEAVE, "state": "the-state"}
    for browser in (leaving.browser, parties.nobody):
        for path in (LOGOUT, "/oauth/logout"):
            response = browser.post(path, data=form)
            if response.location.startswith("/"):
                # Nobody is logged in here, or the browser did not say who: the next request has its cookie.
                assert (response.status_code, response.location.partition("?")[0]) == (303, "/api/oauth/logout/resume")
                response = browser.get(response.location)
            is_gone(response, f"{LEAVE}?state=the-state")
    is_over(leaving)


def test_k204_a_form_is_judged_as_a_query_is(parties: Parties, registered: RelyingParty) -> None:
    hint = hint_of(registered)
    for form, about in (
        ({"id_token_hint": "e30.e30.e30"}, "id_token_hint"),
        ({"id_token_hint": hint, "post_logout_redirect_uri": f"{LEAVE}?foo=bar"}, "post_logout_redirect_uri"),
        ({"id_token_hint": hint, "client_id": "web"}, "client_id"),
        ({"post_logout_redirect_uri": LEAVE}, "post_logout_redirect_uri"),
    ):
        is_stopped(registered.browser.post(LOGOUT, data=form), about)
    is_asked(registered.browser.post(LOGOUT, data={"client_id": "leaving", "post_logout_redirect_uri": LEAVE}))
    is_alive(registered)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_k204_no_other_method_is_answered(registered: RelyingParty, method: str) -> None:
    query = {"id_token_hint": hint_of(registered), "post_logout_redirect_uri": LEAVE}
    response = registered.browser.open(LOGOUT, method=method, query_string=query)
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    is_page(response, 405)
    is_alive(registered)


def test_k204_what_a_post_says_stands_in_its_form_alone(registered: RelyingParty) -> None:
    query = {"id_token_hint": hint_of(registered), "post_logout_redirect_uri": LEAVE}
    is_asked(registered.browser.post(LOGOUT, query_string=query))
    is_alive(registered)


def test_k204_a_form_on_a_page_of_another_site_ends_the_session_as_well(
    parties: Parties, leaving: RelyingParty
) -> None:
    """Browsers send no ``SameSite=Lax`` cookie with it; the hint says which session is meant (``sid``)."""
    tokens = leaving.tokens()
    form = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": LEAVE, "state": "s"}
    headers = {"Origin": "https://client.example.com", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    response = parties.nobody.post(LOGOUT, data=form, headers=headers)
    # A redirect to the portal itself would bring the cookie.
    while response.location and not response.location.startswith(LEAVE):
        response = leaving.browser.get(response.location)
    assert response.location == f"{LEAVE}?state=s"
    is_challenged(leaving.userinfo(tokens["access_token"]))
    is_refused(leaving.refresh(tokens["refresh_token"]), "invalid_grant")
    is_over(leaving)
