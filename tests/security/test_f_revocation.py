"""Section F, revocation: whose tokens, which tokens, and that it holds everywhere at once (RFC 7009)."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.settings import Settings
from tests.portal import close
from tests.relying_party import RelyingParty
from tests.security.answers import is_challenged, is_json, is_page, is_refused
from tests.security.parties import Parties

REVOKE = "/api/oauth/revoke"


def revoked(client: RelyingParty, token: str, **form: str) -> TestResponse:
    """The answer to the revocation of a token by ``client``."""
    auth = (client.client_id, client.secret) if client.secret else None
    known = {} if auth else {"client_id": client.client_id}
    return client.browser.post(REVOKE, data={"token": token, **known, **form}, auth=auth)


def is_active(parties: Parties, token: str) -> bool:
    """What the resource server is told."""
    auth = (parties.resource.client_id, parties.resource.secret or "")
    answer = is_json(parties.nobody.post("/api/oauth/introspect", data={"token": token}, auth=auth))
    assert answer["active"] or answer == {"active": False}
    return bool(answer["active"])


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token"])
@pytest.mark.parametrize(
    "token",
    ["unknown", "a.b.c", "e30.e30.e30", "x" * 8192, "\u00fc", "' or '1'='1"],
    ids=lambda token: ascii(token)[:15],
)
def test_f121_an_unknown_token_is_revoked_already(parties: Parties, token: str, hint: str | None) -> None:
    for client in (parties.web, parties.spa):
        response = revoked(client, token, **({"token_type_hint": hint} if hint else {}))
        assert is_json(response) == {}


@pytest.mark.parametrize("again", ["access_token", "refresh_token"])
def test_f121_a_token_may_be_revoked_twice(parties: Parties, again: str) -> None:
    token = parties.web.tokens()[again]
    assert [is_json(revoked(parties.web, token)) for _ in range(2)] == [{}, {}]


@pytest.mark.parametrize(
    "form", [{}, {"token": ""}, {"token_type_hint": "access_token"}], ids=["missing", "empty", "hint"]
)
def test_f122_without_a_token_the_request_is_invalid(parties: Parties, form: dict[str, str]) -> None:
    is_refused(parties.browser.post(REVOKE, data=form, auth=("web", parties.web.secret)), "invalid_request")
    is_refused(parties.browser.post(REVOKE, data={**form, "client_id": parties.spa.client_id}), "invalid_request")


@pytest.mark.parametrize("name", ["token", "token_type_hint", "client_id", "client_secret", "unknown"])
def test_f122_no_parameter_comes_twice(parties: Parties, name: str) -> None:
    token = parties.web.tokens()["refresh_token"]
    good = {"token": token, "token_type_hint": "refresh_token", "client_id": "web", "unknown": "1"}
    good["client_secret"] = parties.web.secret or ""
    for second in (good[name], "another", ""):
        twice: dict[str, str | list[str]] = {**good, name: [good[name], second]}
        is_refused(parties.nobody.post(REVOKE, data=twice), "invalid_request")
    assert is_active(parties, token)
    assert is_json(parties.nobody.post(REVOKE, data=good)) == {}
    assert not is_active(parties, token)


@pytest.mark.parametrize("token", ["a\x00b", "x" * 8193], ids=["NUL", "too long"])
def test_f122_a_token_that_nobody_can_mean_is_an_invalid_request(parties: Parties, token: str) -> None:
    is_refused(revoked(parties.web, token), "invalid_request")


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize(
    "credentials",
    [{}, {"client_id": "nobody"}, {"client_id": "web"}, {"client_id": "web", "client_secret": "wrong"}],
    ids=["nothing", "unknown client", "id alone", "wrong secret"],
)
def test_f123_who_does_not_prove_to_be_the_client_revokes_nothing(
    parties: Parties, kind: str, credentials: dict[str, str]
) -> None:
    token = parties.web.tokens()[kind]
    is_refused(parties.nobody.post(REVOKE, data={"token": token, **credentials}), "invalid_client", 401)
    is_refused(parties.nobody.post(REVOKE, data={"token": token}, auth=("web", "wrong")), "invalid_client", 401)
    assert is_active(parties, token)


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("caller", ["other", "spa", "resource"])
def test_f124_another_client_revokes_nothing_and_learns_nothing(parties: Parties, caller: str, kind: str) -> None:
    party: RelyingParty = getattr(parties, caller)
    tokens = parties.web.tokens()
    response = revoked(party, tokens[kind])
    assert is_json(response) == is_json(revoked(party, "unknown")) == {}
    assert [is_active(parties, tokens[name]) for name in ("access_token", "refresh_token")] == [True, True]


@pytest.mark.parametrize("client", ["web", "spa"])
def test_f125_a_refresh_token_takes_the_whole_grant_along(parties: Parties, client: str) -> None:
    party: RelyingParty = getattr(parties, client)
    others, first = party.tokens(), party.tokens()
    second = is_json(party.refresh(first["refresh_token"]))
    assert is_json(revoked(party, second["refresh_token"])) == {}
    for tokens in (first, second):
        is_refused(party.refresh(tokens["refresh_token"]), "invalid_grant")
        is_challenged(party.userinfo(tokens["access_token"]))
        assert not is_active(parties, tokens["access_token"])
        assert not is_active(parties, tokens["refresh_token"])
    assert [is_active(parties, others[name]) for name in ("access_token", "refresh_token")] == [True, True]


def test_f125_a_replaced_refresh_token_revokes_the_grant_as_well(parties: Parties) -> None:
    first = parties.web.tokens()
    second = is_json(parties.web.refresh(first["refresh_token"]))
    assert is_json(revoked(parties.web, first["refresh_token"])) == {}
    is_refused(parties.web.refresh(second["refresh_token"]), "invalid_grant")
    is_challenged(parties.web.userinfo(second["access_token"]))


@contextmanager
def second_process(parties: Parties) -> Iterator[FlaskClient]:
    """Another application object on the same database, with a memory of its own, as a second worker has."""
    settings = Settings.for_testing(parties.directory, parties.database_url, RATE_LIMIT_ENABLED="false")
    app = create_app(settings, parties.clock)
    try:
        yield app.test_client()
    finally:
        close(app)


@pytest.mark.parametrize("client", ["web", "spa"])
def test_f126_an_access_token_dies_alone_and_at_once(parties: Parties, client: str) -> None:
    party: RelyingParty = getattr(parties, client)
    tokens = party.tokens()
    assert party.userinfo(tokens["access_token"]).status_code == 200
    assert is_json(revoked(party, tokens["access_token"])) == {}
    is_challenged(party.userinfo(tokens["access_token"]))
    assert not is_active(parties, tokens["access_token"])
    after = is_json(party.refresh(tokens["refresh_token"]))
    assert party.userinfo(after["access_token"]).status_code == 200


def test_f126_every_worker_knows(parties: Parties) -> None:
    tokens, others = parties.web.tokens(), parties.web.tokens()
    auth = ("web", parties.web.secret or "")
    with second_process(parties) as worker:
        for token in (tokens["access_token"], others["access_token"]):
            assert worker.get("/api/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}).status_code == 200
        assert revoked(parties.web, tokens["access_token"]).status_code == 200
        assert revoked(parties.web, others["refresh_token"]).status_code == 200
        for token in (tokens["access_token"], others["access_token"]):
            is_challenged(worker.get("/api/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}))
            answer = worker.post("/api/oauth/introspect", data={"token": token}, auth=auth)
            assert is_json(answer) == {"active": False}
        form = {"grant_type": "refresh_token", "refresh_token": others["refresh_token"]}
        is_refused(worker.post("/api/oauth/token", data=form, auth=auth), "invalid_grant")


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "id_token", "nonsense", "", "\u00fc", "x" * 5000])
def test_f127_a_hint_only_helps(parties: Parties, kind: str, hint: str) -> None:
    token = parties.web.tokens()[kind]
    assert is_json(revoked(parties.web, token, token_type_hint=hint)) == {}
    assert not is_active(parties, token)


@pytest.mark.parametrize("kind", ["id_token", "code"])
def test_f127_what_is_neither_kind_of_token_is_left_alone(parties: Parties, kind: str) -> None:
    tokens, code = parties.web.tokens(), parties.web.code()
    assert is_json(revoked(parties.web, {**tokens, "code": code}[kind])) == {}
    assert parties.web.redeem(code).status_code == 200
    assert is_active(parties, tokens["access_token"])


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_f130_nothing_but_post_is_answered(parties: Parties, method: str) -> None:
    token = parties.spa.tokens()["refresh_token"]
    query = {"token": token, "client_id": "spa"}
    response = parties.nobody.open(REVOKE, method=method, query_string=query)
    assert (response.status_code, response.headers["Allow"]) == (405, "OPTIONS, POST")
    assert is_json(response, 405)["error"] == "invalid_request"
    assert is_active(parties, token)


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", "application/xml"]
)
def test_f130_only_a_form_is_read(parties: Parties, kind: str) -> None:
    token = parties.spa.tokens()["refresh_token"]
    body = f'{{"token": "{token}", "client_id": "spa"}}'
    is_refused(parties.nobody.post(REVOKE, data=body, content_type=kind), "invalid_request")
    in_query = {"token": token, "client_id": "spa"}
    is_refused(parties.nobody.post(REVOKE, query_string=in_query), "invalid_client", 401)
    is_refused(parties.nobody.post(REVOKE, query_string={"token": token}, data={"client_id": "spa"}), "invalid_request")
    assert is_active(parties, token)


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_f131_a_public_client_revokes_its_own_by_its_id(parties: Parties, kind: str) -> None:
    tokens = parties.spa.tokens()
    response = parties.nobody.post(REVOKE, data={"token": tokens[kind], "client_id": "spa"})
    assert is_json(response) == {}
    is_challenged(parties.spa.userinfo(tokens["access_token"]))
    assert not is_active(parties, tokens[kind])


def test_f131_a_public_client_needs_its_own_id(parties: Parties) -> None:
    token = parties.spa.tokens()["refresh_token"]
    another = parties.client()
    assert is_json(revoked(another, token)) == {}
    assert is_active(parties, token)


def test_f131_a_browser_of_its_origin_may_ask(parties: Parties) -> None:
    token = parties.spa.tokens()["refresh_token"]
    form = {"token": token, "client_id": "spa"}
    response = parties.nobody.post(REVOKE, data=form, headers={"Origin": "https://client.example.com"})
    assert is_json(response) == {}
    assert response.headers["Access-Control-Allow-Origin"] == "https://client.example.com"
    assert response.headers["Access-Control-Allow-Credentials"] == "true"  # no cookie is read here
    is_page(parties.nobody.get("/api/oauth/authorize", headers={"Origin": "https://client.example.com"}))
