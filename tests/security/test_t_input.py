"""Section T, input: whatever stands in a parameter is a value, never a command, never markup, never a failure."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from tests.conformance import id_tokens
from tests.databases import PostgresDatabases
from tests.relying_party import EMAIL, RelyingParty, csrf_token, log_in
from tests.security.answers import Markup, is_accepted, is_challenged, is_json, is_page, is_refused, is_sent_back
from tests.security.inputs import AUTHORIZE, CODE, ENDPOINTS, FORM, PARAMETERS, amounts_to, written
from tests.security.parties import Parties, opened

HARMLESS = "harmless"
HARD_TO_GUESS = "harmless-otter-9041-lamp"
"""As harmless, and said nothing against where a password is to be."""
SQL = ["' or 1=1--", "'; select pg_sleep(60)--\\$$;drop table users;$$ %' or '%'='"]
MARKUP = "\"'><script>alert(1)</script>{{7331*7331}}${7331*7331}#{7331*7331}<%=7331*7331%>"
BROKEN = ["a%00b", "%FF%FE", "%ED%A0%80", "%C0%AF", "%F4%90%80%80"]


@pytest.fixture(scope="module")
def parties(postgres_databases: PostgresDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    """On PostgreSQL, which takes fewer texts than SQLite and has more to be injected into."""
    with opened(postgres_databases, tmp_path_factory.mktemp("input")) as found:  # type: ignore[arg-type]
        assert found.web.client_id == "web"
        yield found


def everything(parties: Parties) -> dict[str, str]:
    """What is stored of people and clients, as an operator sees it."""
    return {noun: parties.run(noun, "list", "--json").output for noun in ("users", "clients")}


@pytest.mark.parametrize(("endpoint", "name"), PARAMETERS)
def test_t292_a_piece_of_sql_is_as_good_as_any_unknown_value(parties: Parties, endpoint: str, name: str) -> None:
    """A piece that is run is known by its answer too: no statement may take as long as this one sleeps."""
    asked = ENDPOINTS[endpoint]
    expected = [amounts_to(asked.send(parties, name, value)) for value in (HARMLESS, HARD_TO_GUESS)]
    for value in SQL:
        assert amounts_to(asked.send(parties, name, value if asked.is_json else quote(value))) in expected, value


def test_t292_a_piece_of_sql_changes_nothing_and_logs_nobody_in(parties: Parties) -> None:
    before = everything(parties)
    browser = parties.app.test_client()
    for email in (f"{EMAIL}'--", "%@example.com", "_da@example.com"):
        is_page(log_in(browser, email=email), 401)
    is_page(log_in(browser, password="' or '1'='1"), 401)
    for value in SQL:
        is_refused(RelyingParty(browser, value, value).token(grant_type="client_credentials"), "invalid_client", 401)
        is_page(parties.away(RelyingParty(browser, f"web{value}")).authorize())
    assert browser.get("/logout").location == "/logged-out"
    assert everything(parties) == before


@pytest.mark.parametrize(("endpoint", "name"), PARAMETERS)
def test_t293_markup_and_templates_in_a_parameter_are_text(parties: Parties, endpoint: str, name: str) -> None:
    asked = ENDPOINTS[endpoint]
    expected = [amounts_to(asked.send(parties, name, value)) for value in (HARMLESS, HARD_TO_GUESS)]
    response = asked.send(parties, name, MARKUP if asked.is_json else quote(MARKUP))
    assert amounts_to(response) in expected
    assert MARKUP not in response.text
    assert "53743561" not in response.text + str(response.headers)


def test_t293_the_name_of_a_person_is_text_wherever_it_is_shown(parties: Parties) -> None:
    browser = parties.app.test_client()
    name = MARKUP
    form = {"name": name, "email": "markup@example.com", "password": "correct horse battery 9"}
    assert browser.post("/register", data={**form, "csrf_token": csrf_token(browser, "/register")}).status_code == 303
    consent = RelyingParty(browser, parties.third.client_id).authorize().location
    for path in ("/", "/logout", "/select-account", consent, "/api/oauth/logout"):
        response = browser.get(path)
        assert response.status_code == 200
        assert name in Markup(response.text).text, path
        assert "<script>alert" not in response.text
        assert "53743561" not in response.text


@pytest.mark.parametrize("value", BROKEN)
@pytest.mark.parametrize("name", AUTHORIZE)
def test_t294_what_is_no_text_is_refused_at_the_authorization_endpoint(parties: Parties, name: str, value: str) -> None:
    for endpoint in ("authorize", "authorize by form"):
        response = ENDPOINTS[endpoint].send(parties, name, value)
        if name in {"client_id", "redirect_uri"}:
            is_page(response)
        else:
            status = 302 if endpoint == "authorize" else 303
            is_sent_back(response, "invalid_request", None if name == "state" else "s", status=status)


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [pair for pair in PARAMETERS if pair[0] in {"code", "refresh", "service", "revoke", "introspect"}],
)
def test_t294_what_is_no_text_is_refused_in_a_form_of_a_client(parties: Parties, endpoint: str, name: str) -> None:
    for value in BROKEN:
        is_refused(ENDPOINTS[endpoint].send(parties, name, value), "invalid_request")


@pytest.mark.parametrize("value", ["%00", "a%00b", "x=%00", "%2500&%00"])
@pytest.mark.parametrize(
    "path",
    ["/", "/login", "/register", "/consent", "/select-account", "/logout", "/logged-out", "/playground", "/terms"],
)
def test_t294_no_address_of_a_page_holds_nul(parties: Parties, path: str, value: str) -> None:
    for response in (parties.nobody.get(f"{path}?{value}"), parties.nobody.post(f"{path}?next={value}")):
        is_page(response)


# What a form of a page gives for a value that is no text: the parameter is one like any other that is wrong.
FORMS = [
    ("login", "password", {401}),
    ("login", "csrf_token", {400}),
    ("register", "email", {400}),
    ("register", "name", {400}),
    ("register", "password", {400}),
    ("register", "csrf_token", {400}),
    ("choose", "account", {303}),
    ("choose", "csrf_token", {400}),
    ("confirm", "request", {303}),
    ("confirm", "csrf_token", {400}),
    ("language", "lang", {303}),
    ("theme", "theme", {303}),
    ("logout by form", "id_token_hint", {400}),
    ("logout by form", "client_id", {400}),
    ("logout by form", "post_logout_redirect_uri", {400}),
    ("logout by form", "state", {400}),
    ("logout", "client_id", {400}),
    ("userinfo", "access_token", {401}),
]


@pytest.mark.parametrize(("endpoint", "name", "status"), FORMS)
def test_t294_what_is_no_text_in_a_form_of_a_page_is_a_wrong_value(
    parties: Parties, endpoint: str, name: str, status: set[int]
) -> None:
    for value in BROKEN:
        assert ENDPOINTS[endpoint].send(parties, name, value).status_code in status, value


@pytest.mark.parametrize(
    "value",
    ["%00", f"{EMAIL}%00", "%FF%FE", "%ED%A0%80"],
)
def test_t294_what_is_no_text_is_no_account(parties: Parties, value: str) -> None:
    response = ENDPOINTS["login"].send(parties, "email", value)
    assert response.status_code in {400, 401}
    is_page(response, response.status_code)


@pytest.mark.parametrize("text", ["\ud800", "\udfff\ud800", "a\x00b", "\u202e", "\ufffe", "\U0010ffff"], ids=ascii)
@pytest.mark.parametrize("name", ["access_token", "refresh_token", "client_id", "client_secret"])
def test_t294_what_is_no_text_in_json_is_a_wrong_value(parties: Parties, name: str, text: str) -> None:
    endpoint = "validate refresh" if name == "refresh_token" else "validate"
    response = ENDPOINTS[endpoint].send(parties, name, text)
    if name.startswith("client"):
        assert is_json(response, 401)["error"] == "invalid_client"
    else:
        assert is_json(response) == {"valid": False, "reason": "Token is invalid or expired"}


@pytest.mark.parametrize("member", ["id_token", "userinfo"])
@pytest.mark.parametrize("text", ["\ud800", "a\x00b"], ids=ascii)
def test_t294_a_subject_that_is_no_text_is_nobody_or_refused(parties: Parties, text: str, member: str) -> None:
    claims = json.dumps({member: {"sub": {"value": text}}})
    is_sent_back(parties.web.authorize(claims=claims, prompt="none"), "login_required")
    response = parties.web.authorize(claims=claims)
    assert response.status_code in {302, 303}
    if response.status_code == 302:
        is_sent_back(response, "invalid_request")
    else:
        is_page(parties.browser.get(response.location), 200)


@pytest.mark.parametrize("text", ["\ud800", "a\x00b"], ids=ascii)
@pytest.mark.parametrize("claim", ["email", "name", "acr", "no such claim", None])
def test_t294_other_claims_asked_for_with_such_values_are_ignored(
    parties: Parties, claim: str | None, text: str
) -> None:
    asked: dict[str, Any] = {text: None} if claim is None else {claim: {"values": [text], "value": text}}
    code = is_accepted(parties.web.authorize(claims=json.dumps({"id_token": asked})))
    assert parties.web.redeem(code).status_code == 200


def posted(parties: Parties, path: str, body: bytes, **headers: str) -> TestResponse:
    """The answer to bytes that call themselves a form."""
    auth = ("web", parties.web.secret or "")
    return parties.nobody.post(path, data=body, auth=auth, headers={"Content-Type": FORM, **headers})


@pytest.mark.parametrize("charset", ["utf-16", "utf-7", "iso-8859-1", "x" * 200, "\xff"])
def test_t294_another_character_set_is_not_believed(parties: Parties, charset: str) -> None:
    body = b"grant_type=refresh_token&refresh_token=\xe9"
    kind = {"Content-Type": f"{FORM}; charset={charset}"}
    is_refused(posted(parties, "/api/oauth/token", body, **kind), "invalid_request")
    good = {**CODE, "code": "c"}
    is_refused(posted(parties, "/api/oauth/token", written(good).encode(), **kind), "invalid_grant")
    sixteen = "grant_type=refresh_token".encode("utf-16")
    is_refused(posted(parties, "/api/oauth/token", sixteen, **kind), "invalid_request")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip"])
def test_t294_a_compressed_body_is_not_unpacked(parties: Parties, encoding: str) -> None:
    response = posted(parties, "/api/oauth/token", b"\x1f\x8b\x08\x00\x00", **{"Content-Encoding": encoding})
    is_refused(response, "invalid_request")


NUMBERS = ["-1", "-0", "+1", "1.0", "1e3", "1e400", "0x10", "１", "٣", "²", "1 ", " 1", "1_0", "NaN", "Infinity", "1,0"]


@pytest.mark.parametrize("value", [*NUMBERS, "0" * 9000, "9" * 9000])
def test_t295_a_max_age_that_is_no_number_of_seconds_is_refused(parties: Parties, value: str) -> None:
    is_sent_back(parties.web.authorize(max_age=value), "invalid_request")
    is_sent_back(parties.web.authorize(max_age=value, prompt="none"), "invalid_request")


HUGE = ["999999999", str(2**31), str(2**32), str(2**63), str(2**64), str(10**20), "9" * 5000, "9" * 8192]


@pytest.mark.parametrize("value", [*HUGE, "000000900", "0" * 8000 + "900", "86400"])
def test_t295_any_number_of_seconds_is_one_however_it_is_written(parties: Parties, value: str) -> None:
    is_accepted(parties.web.authorize(max_age=value, prompt="none"))
    page = parties.web.authorize(max_age=value, prompt="login").location
    assert page.startswith("/login?")
    is_accepted(parties.browser.get(log_in(parties.browser, path=page).location))


@pytest.mark.parametrize("value", ["0", "00", "0" * 5000])
def test_t295_no_seconds_are_none_however_they_are_written(parties: Parties, value: str) -> None:
    is_sent_back(parties.web.authorize(max_age=value, prompt="none"), "login_required")


@pytest.mark.parametrize("value", ["-1", "1e400", "-1e400", str(2**63), str(2**64), "9" * 2000, "1e-400", "NaN"])
def test_t295_numbers_in_claims_and_json_are_only_values(parties: Parties, value: str) -> None:
    claims = f'{{"id_token":{{"auth_time":{{"value":{value}}},"email":{{"max":{value}}}}},"x":{value}}}'
    is_accepted(parties.web.authorize(claims=claims, prompt="none"))
    subject = f'{{"id_token":{{"sub":{{"value":{value}}}}}}}'
    is_sent_back(parties.web.authorize(claims=subject, prompt="none"), "login_required")
    body = f'{{"access_token":{value},"client_id":"web","client_secret":"{parties.web.secret}"}}'
    response = parties.nobody.post("/api/oauth/token/validate", data=body, content_type="application/json")
    assert is_json(response, 400)["error"] == "invalid_request"


def test_t295_more_digits_than_a_number_may_have_are_refused(parties: Parties) -> None:
    is_sent_back(parties.web.authorize(claims='{"id_token":{"x":' + "9" * 5000 + "}}"), "invalid_request")


DATES = [
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Sat, 01 Jan 10000 00:00:00 GMT",
    "Tue, 30 Feb 2027 00:00:00 GMT",
    "Mon, 29 Feb 2027 00:00:00 GMT",
    "Sat, 31 Dec 2016 23:59:60 GMT",
    "Thu, 01 Jan 0000 00:00:00 GMT",
    "-1",
    "٣",
    "x" * 5000,
]


@pytest.mark.parametrize("date", DATES, ids=lambda date: date[:30])
def test_t296_a_date_that_never_was_is_no_condition(parties: Parties, date: str) -> None:
    for path in (
        "/static/css/portal.css",
        "/.well-known/jwks.json",
        "/terms",
        "/bootstrap/static/css/bootstrap.min.css",
    ):
        for name in ("If-Modified-Since", "If-Unmodified-Since", "If-Range", "Date", "Expires"):
            sent = date.encode().decode("latin-1")
            response = parties.nobody.get(path, headers={name: sent}, buffered=True)
            is_file = path.endswith(".css")
            fits = is_file and name == "If-Modified-Since" and date.startswith("Fri, 31 Dec 9999")
            assert response.status_code == (304 if fits else 200), (path, name)


def test_t296_the_last_second_of_a_leap_day_is_one_like_any_other(fresh: Parties) -> None:
    moment = datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC)
    fresh.clock.now = moment
    browser, _ = fresh.newcomer()
    client = RelyingParty(browser, "web", fresh.web.secret)
    tokens = is_json(client.redeem(client.code()))
    assert id_tokens.claims(tokens["access_token"])["exp"] == int(moment.timestamp()) + 3600
    fresh.clock.advance(seconds=2)
    assert is_json(client.userinfo(tokens["access_token"]))["email"].startswith("person-")
    renewed = is_json(client.refresh(tokens["refresh_token"]))
    fresh.clock.advance(hours=1)
    is_challenged(client.userinfo(renewed["access_token"]))
