"""Section A, how parameters are read: each once, empty ones as absent, state and nonce returned whole.

RFC 6749 sections 3.1 and 4.1.2, OpenID Connect Core section 3.1.2.1.
"""

from urllib.parse import parse_qsl, unquote_to_bytes, urlencode

import pytest

from tests.conformance import id_tokens
from tests.relying_party import CHALLENGE, REDIRECT_URI
from tests.security.answers import Markup, is_accepted, is_page, is_sent_back
from tests.security.parties import Parties

GOOD = {
    "response_type": "code",
    "scope": "openid",
    "state": "the-state",
    "nonce": "the-nonce",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "response_mode": "query",
    "prompt": "consent",
    "max_age": "3600",
    "login_hint": "ada@example.com",
    "id_token_hint": "x",
    "ui_locales": "ko",
    "claims_locales": "ko",
    "display": "page",
    "acr_values": "1",
    "claims": "{}",
    "request": "x",
    "request_uri": "https://client.example.com/object",
    "registration": "{}",
    "unknown": "1",
}


def short(value: str) -> str:
    """A name for a value that may be long."""
    return f"{ascii(value)[:30]} of {len(value)}"


@pytest.mark.parametrize("second", ["other", "the same", ""], ids=["another value", "the same value", "empty"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_a21_who_asks_and_where_to_answer_is_said_once(parties: Parties, name: str, method: str, second: str) -> None:
    good = parties.web.parameters()
    pairs = [*good.items(), (name, good[name] if second == "the same" else second)]
    form = {"data": urlencode(pairs), "content_type": "application/x-www-form-urlencoded"}
    request = {"query_string": urlencode(pairs)} if method == "GET" else form
    response = parties.browser.open("/api/oauth/authorize", method=method, **request)
    if (name, second) == ("redirect_uri", ""):
        # An empty one counts as none (RFC 6749 section 3.1), so there is one place the error may go to.
        is_sent_back(response, "invalid_request", status=302 if method == "GET" else 303)
    else:
        is_page(response)


def test_a21_two_addresses_are_refused_whichever_comes_first(parties: Parties) -> None:
    good = list(parties.web.parameters().items())
    evil = ("redirect_uri", "https://evil.test/")
    for pairs in ([evil, *good], [*good, evil], [evil, evil, *good], [*good, evil, ("redirect_uri", REDIRECT_URI)]):
        is_page(parties.browser.get("/api/oauth/authorize", query_string=urlencode(pairs)))


@pytest.mark.parametrize("second", ["other", "the same", ""], ids=["another value", "the same value", "empty"])
@pytest.mark.parametrize("name", GOOD)
def test_a21_no_parameter_comes_twice(parties: Parties, name: str, second: str) -> None:
    pairs = [
        *parties.web.parameters(**{name: GOOD[name]}).items(),
        (name, GOOD[name] if second == "the same" else second),
    ]
    response = parties.browser.get("/api/oauth/authorize", query_string=urlencode(pairs))
    # Which of two states is meant cannot be known, so none is returned.
    is_sent_back(response, "invalid_request", state=None if name == "state" else "the-state")


def test_a21_of_two_response_modes_neither_is_used(parties: Parties) -> None:
    pairs = [*parties.web.parameters(response_mode="form_post").items(), ("response_mode", "web_message")]
    is_sent_back(parties.browser.get("/api/oauth/authorize", query_string=urlencode(pairs)), "invalid_request")


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("client_id", "page"),
        ("redirect_uri", "page"),
        ("response_type", "invalid_request"),
        ("scope", "page"),
        ("code_challenge", "invalid_request"),
        ("code_challenge_method", "invalid_request"),
    ],
)
def test_a21_an_empty_parameter_is_a_missing_one(parties: Parties, name: str, outcome: str) -> None:
    empty = parties.web.authorize(**{name: ""})
    missing = parties.web.authorize(**{name: None})
    if name == "scope":
        for response in (empty, missing):
            is_sent_back(response, "invalid_scope")
    elif outcome == "page":
        assert is_page(empty).text.count("invalid_request") == is_page(missing).text.count("invalid_request") == 1
    else:
        assert is_sent_back(empty, outcome) == is_sent_back(missing, outcome)


@pytest.mark.parametrize("given", [None, ""], ids=["missing", "empty"])
def test_a21_no_state_comes_back_when_none_was_sent(parties: Parties, given: str | None) -> None:
    is_accepted(parties.web.authorize(state=given), state=None)
    is_sent_back(parties.web.authorize(state=given, scope="nonsense"), "invalid_scope", state=None)


@pytest.mark.parametrize(
    "extra",
    [
        {"extra": "foobar", "another[]": "1"},
        {"client_secret": "made up"},
        {"code": "x", "access_token": "x", "error": "x", "iss": "https://evil.test"},
        {"redirect_uri[]": "https://evil.test/"},
        {"Redirect_URI": "https://evil.test/"},
        {"redirect_uri ": "https://evil.test/"},
        {"STATE": "x", "": "x"},
        {"user_id": "1", "sub": "1", "auth_time": "1", "consent": "allow", "decision": "allow"},
    ],
    ids=lambda extra: " ".join(extra),
)
def test_a22_what_nobody_knows_is_ignored(parties: Parties, extra: dict[str, str]) -> None:
    is_accepted(parties.web.authorize(**extra))


def test_a22_a_hundred_unknown_parameters_are_ignored_as_well(parties: Parties) -> None:
    is_accepted(parties.web.authorize(**{f"unknown{number}": "x" for number in range(100)}))


STATES = [
    *(
        "s" * 2000,
        "a&b=c&code=x",
        "%00",
        "%0d%0aX-Injected:%201",
        "\r\nX-Injected: 1",
        "\n\n<html>",
        "quotes\"'`",
        "#fragment",
    ),
    *(
        "?q",
        "a b",
        "a+b",
        "%",
        "%zz",
        "\\",
        "\u00fc\ud55c\uae00\U0001f511",
        "\u202e",
        "\u0085\u2028",
        "\t",
        ";x=1",
        "../..",
        " ",
    ),
    *("https://evil.test/", "<script>alert(1)</script>", "{{7*7}}", "\x7f", "\x01", "e\u0301", "\ufeff"),
]


@pytest.mark.parametrize("state", STATES, ids=short)
@pytest.mark.parametrize("changes", [{}, {"scope": "nonsense"}], ids=["code", "error"])
def test_a23_a_state_comes_back_byte_by_byte_and_becomes_no_header(
    parties: Parties, state: str, changes: dict[str, str]
) -> None:
    response = parties.web.authorize(state=state, **changes)
    query = response.location.partition("?")[2]
    (given,) = [part.partition("=")[2] for part in query.split("&") if part.startswith("state=")]
    assert unquote_to_bytes(given.replace("+", " ")) == state.encode()
    assert dict(parse_qsl(query, keep_blank_values=True))["state"] == state
    assert "X-Injected" not in response.headers
    assert response.location.isascii()
    assert response.location.isprintable()
    assert " " not in response.location


def refuses(parties: Parties, query: str, state: str | None = "the-state") -> None:
    """A good request with these raw bytes at the end of its query is sent back."""
    good = urlencode(parties.web.parameters(**{query.partition("=")[0]: None}))
    is_sent_back(parties.browser.get(f"/api/oauth/authorize?{good}&{query}"), "invalid_request", state=state)


NO_TEXT = ["%ff", "%ff%fe", "%ed%a0%80", "%c0%af", "%f0%9f%94", "a%80b"]


@pytest.mark.parametrize("value", NO_TEXT)
def test_a23_a_state_that_is_no_utf_8_is_refused_and_not_returned_changed(parties: Parties, value: str) -> None:
    refuses(parties, f"state={value}", state=None)


@pytest.mark.parametrize("value", NO_TEXT)
def test_a24_a_nonce_that_is_no_utf_8_is_refused_and_not_returned_changed(parties: Parties, value: str) -> None:
    refuses(parties, f"nonce={value}")


@pytest.mark.parametrize("query", ["state=%00", "state=a%00b"])
def test_a23_a_state_with_nul_is_refused_and_not_returned(parties: Parties, query: str) -> None:
    refuses(parties, query, state=None)


@pytest.mark.parametrize("length", [2049, 9000])
def test_a23_a_state_that_is_too_long_is_refused_and_not_cut(parties: Parties, length: int) -> None:
    is_sent_back(parties.web.authorize(state="s" * length), "invalid_request", state="s" * length)


@pytest.mark.parametrize("state", STATES[:12], ids=short)
def test_a23_a_state_survives_the_pages(parties: Parties, state: str) -> None:
    page = parties.third.authorize(state=state, prompt="consent").location
    markup = Markup(parties.browser.get(page).text)
    form = {"csrf_token": markup.fields["csrf_token"], "decision": "deny"}
    response = parties.browser.get(parties.browser.post(page, data=form).location)
    is_sent_back(response, "access_denied", state=state)


@pytest.mark.parametrize("nonce", [None, ""], ids=["missing", "empty"])
def test_a24_a_request_may_come_without_nonce_and_the_id_token_has_none(parties: Parties, nonce: str | None) -> None:
    assert "nonce" not in id_tokens.claims(parties.web.tokens(nonce=nonce)["id_token"])


@pytest.mark.parametrize("nonce", ["n" * 384, "n" * 2048, "a b+c%20&d", "\ud55c\uae00\"'<>", "\r\n"], ids=short)
def test_a24_a_nonce_is_returned_whole(parties: Parties, nonce: str) -> None:
    assert id_tokens.claims(parties.web.tokens(nonce=nonce)["id_token"])["nonce"] == nonce


@pytest.mark.parametrize("query", ["nonce=" + "n" * 2049, "nonce=%00"], ids=short)
def test_a24_a_nonce_that_cannot_be_returned_whole_is_refused(parties: Parties, query: str) -> None:
    refuses(parties, query)
