"""Section A, what a request may carry besides: request objects, claims, hints, bodies, methods, what is shown of it.

RFC 6749 section 3.1, RFC 8707, RFC 9101, OpenID Connect Core sections 3.1.2.1, 5.5 and 6.
"""

import socket

import pytest

from tests.conformance import id_tokens
from tests.relying_party import REDIRECT_URI, SCOPE, RelyingParty, add_client, log_in
from tests.security.answers import ISSUER, Markup, is_accepted, is_page, is_refused, is_sent_back
from tests.security.parties import Parties

METADATA = "/.well-known/openid-configuration"
NASTY = '"><svg onload=alert(1)>'


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ],
)
def test_a37_request_objects_are_refused_whatever_they_hold_and_nothing_is_fetched(
    parties: Parties, name: str, error: str
) -> None:
    values = {"response_type": "code", "client_id": "web", "redirect_uri": "https://evil.test/"}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/object"
        given = [address, id_tokens.unsigned(values), "x", "urn:ietf:params:oauth:request_uri:x", "file:///etc/passwd"]
        for value in given:
            is_sent_back(parties.web.authorize(**{name: value}), error)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a37_a_request_object_is_no_way_around_the_required_parameters(parties: Parties) -> None:
    values = {"response_type": "code", "client_id": "web", "redirect_uri": REDIRECT_URI, "scope": "openid"}
    alone = {"request": id_tokens.unsigned(values)}
    is_page(parties.browser.get("/api/oauth/authorize", query_string=alone))
    named = {**alone, "client_id": "web"}
    is_page(parties.browser.get("/api/oauth/authorize", query_string={**named, "scope": "openid"}))
    plain = parties.browser.get("/api/oauth/authorize", query_string=named)
    is_sent_back(plain, "request_not_supported", state=None)


def test_a37_metadata_promises_no_request_objects(parties: Parties) -> None:
    metadata = parties.nobody.get(METADATA).json
    assert metadata["request_parameter_supported"] is False
    assert metadata["request_uri_parameter_supported"] is False
    promised = {
        *("request_object_signing_alg_values_supported", "require_signed_request_object"),
        *("pushed_authorization_request_endpoint", "require_pushed_authorization_requests"),
        *("device_authorization_endpoint", "registration_endpoint", "dpop_signing_alg_values_supported"),
    }
    assert promised & set(metadata) == set()


@pytest.mark.parametrize(
    "claims",
    [
        *(
            "not json",
            "5",
            "null",
            '"text"',
            "[]",
            "true",
            '{"userinfo": []}',
            '{"id_token": "email"}',
            "{",
            "{'a': 1}",
        ),
        *('{"id_token": null}', '{"userinfo": 1}', "[" * 5000, '{"a":' * 1000),
    ],
)
def test_a38_claims_of_another_form_are_an_invalid_request(parties: Parties, claims: str) -> None:
    is_sent_back(parties.web.authorize(claims=claims), "invalid_request")


@pytest.mark.parametrize(
    "claims",
    [
        '{"userinfo": {"email": {"essential": true}}}',
        '{"userinfo": {"email": null, "nosuchclaim": null}, "id_token": {"name": {"value": "Somebody else"}}}',
        '{"id_token": {"acr": {"values": ["1", "2"]}}}',
        '{"another": 5}',
        "{}",
        "",
    ],
)
def test_a38_claims_of_the_right_form_are_taken(parties: Parties, claims: str) -> None:
    is_accepted(parties.web.authorize(claims=claims))


def test_a38_claims_asked_for_do_not_reach_beyond_the_granted_scopes(parties: Parties) -> None:
    tokens = parties.web.tokens(
        scope="openid", claims='{"id_token": {"email": {"essential": true}, "name": null, "is_admin": null}}'
    )
    assert not {"email", "name", "is_admin"} & set(id_tokens.claims(tokens["id_token"]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("display", "popup"),
        ("display", "wap"),
        ("ui_locales", "se"),
        ("ui_locales", NASTY),
        ("claims_locales", "se"),
        ("acr_values", "1 2"),
        ("login_hint", "x"),
        ("login_hint", NASTY * 50),
        ("display", ""),
        ("prompt", ""),
        ("max_age", ""),
        ("nonce", ""),
        ("id_token_hint", ""),
        ("request", ""),
        ("request_uri", ""),
        ("response_mode", ""),
    ],
)
def test_a39_hints_and_wishes_and_empty_parameters_do_not_stand_in_the_way(
    parties: Parties, name: str, value: str
) -> None:
    is_accepted(parties.web.authorize(**{name: value}))


@pytest.mark.parametrize(
    "name", ["login_hint", "ui_locales", "display", "acr_values", "state", "nonce", "claims_locales", "prompt"]
)
def test_a39_nothing_of_a_request_becomes_markup_of_the_login_page(parties: Parties, name: str) -> None:
    client = parties.away(parties.web)
    harmless, nasty = (client.authorize(**{name: value}) for value in ("harmless", NASTY))
    if name == "prompt":
        is_sent_back(nasty, "invalid_request")
        return
    pages = [Markup(client.browser.get(response.location).text) for response in (harmless, nasty)]
    assert pages[0].tags == pages[1].tags


def test_a40_a_request_may_be_posted_as_a_form_and_is_answered_with_303(parties: Parties) -> None:
    response = parties.browser.post("/api/oauth/authorize", data=parties.web.parameters())
    assert response.status_code == 303
    is_accepted(response)
    refused = parties.browser.post("/api/oauth/authorize", data=parties.web.parameters(scope="nonsense"))
    is_sent_back(refused, "invalid_scope", status=303)


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", "application/xml", ""]
)
def test_a40_no_other_body_is_read(parties: Parties, kind: str) -> None:
    response = parties.browser.post("/api/oauth/authorize", data=b'{"client_id": "web"}', content_type=kind)
    is_page(response, 415)


def test_a40_a_posted_request_is_in_the_body_alone(parties: Parties) -> None:
    good = parties.web.parameters()
    form = "application/x-www-form-urlencoded"
    is_page(parties.browser.post("/api/oauth/authorize", query_string=good, content_type=form))
    changed = parties.browser.post("/api/oauth/authorize?redirect_uri=https://evil.test/&state=x", data=good)
    is_accepted(changed)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "PROPFIND"])
def test_a41_other_methods_are_refused_and_the_right_ones_named(parties: Parties, method: str) -> None:
    response = parties.browser.open("/api/oauth/authorize", method=method, query_string=parties.web.parameters())
    is_page(response, 405)
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


def test_a42_a_disabled_client_is_shown_a_page_also_in_the_middle_of_a_request(parties: Parties) -> None:
    client = parties.client("ended")
    away = parties.away(client)
    waiting = away.authorize().location
    assert parties.run("clients", "disable", "ended").exit_code == 0
    for changes in ({}, {"prompt": "none"}, {"response_mode": "form_post"}):
        assert "invalid_client" in is_page(client.authorize(**changes)).text
    is_page(away.browser.get(waiting), 410)
    is_page(away.browser.get(waiting.replace("/login", "/api/oauth/authorize/resume")), 410)
    assert log_in(away.browser).status_code == 303
    is_page(away.browser.get(waiting.replace("/login", "/api/oauth/authorize/resume")), 410)


@pytest.mark.parametrize(
    "value",
    ["<svg onload=alert(1)>", '"><script>alert(1)</script>', "'-alert(1)-'", "</code><b>", "&lt;b&gt;", "{{7*7}}"],
)
@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_a44_what_an_error_page_shows_of_a_request_is_text(parties: Parties, name: str, value: str) -> None:
    expected = is_page(parties.web.authorize(**{name: "harmless"}))
    markup = is_page(parties.web.authorize(**{name: value}))
    assert (markup.tags, value in markup.text) == (expected.tags, True)


def test_a44_the_name_of_a_client_is_text_on_an_error_page(parties: Parties) -> None:
    client = parties.client(name=NASTY)
    expected = is_page(parties.web.authorize(redirect_uri="https://evil.test/"))
    markup = is_page(client.authorize(redirect_uri="https://evil.test/"))
    assert (markup.tags, NASTY in markup.text) == (expected.tags, True)


def test_a44_an_error_that_came_with_the_request_is_nowhere_in_the_answer(parties: Parties) -> None:
    said = {
        "error": "server_error",
        "error_description": "<b>call Mallory</b>",
        "error_uri": "https://evil.test/",
        "iss": "x",
    }
    for name in ("client_id", "redirect_uri"):
        markup = is_page(parties.web.authorize(**said, **{name: "nobody"}))
        # The form that changes the language leads back to this very address.
        returning = {"next": markup.fields.pop("next")}
        assert "Mallory" not in f"{markup.text}{markup.addresses}{markup.fields}"
        assert returning["next"].startswith("/api/oauth/authorize?")
    assert (
        "Mallory"
        not in is_sent_back(parties.web.authorize(**said, scope="nonsense"), "invalid_scope")["error_description"]
    )
    is_accepted(parties.web.authorize(**said))


@pytest.mark.parametrize(
    "name", ["scope", "response_type", "response_mode", "prompt", "max_age", "claims", "id_token_hint"]
)
def test_a44_a_description_never_repeats_what_was_sent(parties: Parties, name: str) -> None:
    got = parties.web.authorize(**{name: NASTY})
    assert "svg" not in got.location.replace("state=the-state", "")


@pytest.mark.parametrize(
    "resource",
    [["https://other.test/api"], ["https://a.test", "https://b.test"], ["not a uri"], [ISSUER], [""]],
    ids=str,
)
def test_a45_a_resource_changes_nothing_in_the_audience(parties: Parties, resource: list[str]) -> None:
    query = [*parties.web.parameters().items(), *(("resource", value) for value in resource)]
    code = is_accepted(parties.browser.get("/api/oauth/authorize", query_string=query))
    tokens = parties.web.redeem(code, resource=resource[0]).json
    assert id_tokens.claims(tokens["access_token"])["aud"] == ISSUER


def test_a45_an_audience_cannot_be_asked_for_at_the_token_endpoint(parties: Parties) -> None:
    secret = add_client(
        parties.app, "service", is_confidential=True, grants=["client_credentials"], scopes=["admin:oauth"]
    )
    service = RelyingParty(parties.browser, "service", secret)
    for name in ("resource", "audience"):
        token = service.token(grant_type="client_credentials", **{name: "https://other.test/api"}).json["access_token"]
        assert id_tokens.claims(token)["aud"] == ISSUER
    is_refused(service.token(grant_type="client_credentials", scope=SCOPE), "invalid_scope")
