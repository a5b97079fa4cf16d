"""Section P beyond the first-party API: the service API, ``token/validate``, the protocol's endpoints and pages."""

import gzip
import json
import unicodedata
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from app.api.service import OPERATIONS
from tests.api.service.backends import PREFIX, Backend
from tests.security.answers import is_page
from tests.security.parties import Parties, opened
from tests.security.test_o_admin import address
from tests.security.test_p_api import DEPTH, MARKUP, NO_OBJECT, OVERRIDES

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
FORMS = [f"{prefix}/{path}" for prefix in ("/api/oauth", "/oauth") for path in ("token", "revoke", "introspect")]
VALIDATE = "/api/oauth/token/validate"
BODIES = [(each.method, address(each.path)) for each in OPERATIONS if each.method in {"POST", "PATCH"} and each.body]
NO_BODY = [(each.method, address(each.path)) for each in OPERATIONS if each.method != "GET" and not each.body]
SHAPE = {"error", "error_description", "request_id"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def parties(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    """The parties of this file, on each engine."""
    databases = request.getfixturevalue("sqlite_databases" if request.param == "sqlite" else "postgres_databases")
    with opened(databases, tmp_path_factory.mktemp("parties")) as found:
        yield found


@pytest.fixture(scope="module")
def backend(parties: Parties) -> Backend:
    """A service that may do everything."""
    return Backend(parties.app)


def sent(backend: Backend, method: str, path: str, data: bytes, kind: str = JSON, **headers: str) -> TestResponse:
    """These very bytes, with the token of the service."""
    named = {"Authorization": f"Bearer {backend.token}", **headers}
    return backend.app.test_client().open(path, method=method, data=data, content_type=kind, headers=named)


def validated(parties: Parties, data: bytes, kind: str = JSON) -> TestResponse:
    auth = ("web", parties.web.secret or "")
    return parties.nobody.post(VALIDATE, data=data, content_type=kind, auth=auth)


def posted(parties: Parties, path: str, data: bytes, kind: str, **headers: str) -> TestResponse:
    """These very bytes from C, which proves itself."""
    auth = ("web", parties.web.secret or "")
    return parties.nobody.post(path, data=data, content_type=kind, auth=auth, headers=headers)


def is_refused(response: TestResponse, status: int, error: str = "invalid_request") -> None:
    assert (response.status_code, response.mimetype) == (status, JSON), response.text
    assert response.json["error"] == error
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Traceback" not in response.text


def test_p254_a_body_that_is_not_one_object_changes_nothing_at_the_service_api(backend: Backend) -> None:
    for method, path in BODIES:
        for name, body in NO_OBJECT.items():
            if name == "nothing":
                continue  # is an empty object where nothing has to be said
            is_refused(sent(backend, method, path, body), 400)
    for method, path in NO_BODY:
        # What is not read has to be JSON all the same, which a page of another origin cannot send unasked.
        is_refused(sent(backend, method, path, b"a=b", FORM), 415)


@pytest.mark.parametrize("name", [name for name in NO_OBJECT if name != "nothing"])
def test_p254_a_body_that_is_not_one_object_validates_nothing(parties: Parties, name: str) -> None:
    is_refused(validated(parties, NO_OBJECT[name]), 400)


@pytest.mark.parametrize("kind", ["", "text/plain", FORM, "application/jsonp", "multipart/form-data; boundary=x"])
def test_p254_validate_takes_json_alone(parties: Parties, kind: str) -> None:
    is_refused(validated(parties, b'{"access_token":"x"}', kind), 415)


@pytest.mark.parametrize("path", FORMS)
def test_p254_the_protocol_takes_forms_alone(parties: Parties, path: str) -> None:
    form = b"grant_type=refresh_token&refresh_token=x&token=x"
    for kind in (JSON, "text/plain", "multipart/form-data; boundary=x", f"{FORM}x", "", ";", "application/xml"):
        is_refused(posted(parties, path, form, kind), 400)
    for kind in (FORM, f"{FORM}; charset=utf-8", f"{FORM};charset=EUC-KR", FORM.upper(), f"{FORM} ; a=b"):
        answer = posted(parties, path, form, kind)
        assert (answer.status_code, (answer.json or {}).get("error", "")) in {(200, ""), (400, "invalid_grant")}, kind


@pytest.mark.parametrize("path", FORMS)
def test_p254_a_body_in_chunks_is_held_to_the_same_type(parties: Parties, path: str) -> None:
    form = b"grant_type=refresh_token&refresh_token=x&token=x"
    for kind, is_good in ((FORM, True), (JSON, False), ("", False)):
        answer = parties.nobody.post(
            path,
            data=form,
            content_type=kind,
            auth=("web", parties.web.secret or ""),
            environ_overrides={
                "CONTENT_LENGTH": "",
                "HTTP_TRANSFER_ENCODING": "chunked",
                "wsgi.input_terminated": True,
            },
        )
        assert (answer.json.get("error") == "invalid_request") is not is_good, (kind, answer.text)


def test_p254_what_is_compressed_or_begins_with_a_mark_is_understood_by_nobody(
    parties: Parties, backend: Backend
) -> None:
    form, name = b"grant_type=refresh_token&refresh_token=x", b'{"name":"x"}'
    for body, more in ((gzip.compress(form), {"Content-Encoding": "gzip"}), (b"\xef\xbb\xbf" + form, {})):
        is_refused(posted(parties, "/api/oauth/token", body, FORM, **more), 400)
    for body, more in ((gzip.compress(name), {"Content-Encoding": "gzip"}), (b"\xef\xbb\xbf" + name, {})):
        is_refused(sent(backend, "PATCH", f"{PREFIX}/clients/playground", body, **more), 400)
        is_refused(validated(parties, body), 400)


def test_p254_other_methods_are_refused_with_those_there_are(parties: Parties, backend: Backend) -> None:
    for operation in OPERATIONS:
        path = address(operation.path)
        taken = {each.method for each in OPERATIONS if address(each.path) == path}
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - taken:
            answer = sent(backend, method, path, b"")
            is_refused(answer, 405)
            assert operation.method in answer.headers["Allow"].split(", ")
    for path in (*FORMS, VALIDATE):
        for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH"):
            answer = parties.nobody.open(path, method=method)
            assert (answer.status_code, "POST" in answer.headers["Allow"]) == (405, True), (path, method)


def test_p254_the_length_of_a_question_is_that_of_its_answer(parties: Parties, backend: Backend) -> None:
    for path in ("/clients", "/users", "/statistics"):
        asked, headed = backend.send("GET", path), backend.send("HEAD", path)
        assert (headed.status_code, headed.data) == (asked.status_code, b"")
    refused = parties.nobody.open(f"{PREFIX}/clients", method="HEAD")
    assert (refused.status_code, refused.data) == (401, b"")


STRANGE: list[Any] = [None, True, 0, -1, 1e308, [], [None], {}, {"$ne": None}, "\ud800", "x" * 20_000, "\x00", MARKUP]


@pytest.mark.parametrize(("method", "path"), BODIES)
def test_p255_no_value_is_a_fault_and_none_is_repeated(backend: Backend, method: str, path: str) -> None:
    operation = next(each for each in OPERATIONS if (each.method, address(each.path)) == (method, path))
    assert operation.body is not None
    for name in operation.body.model_fields:
        for value in STRANGE:
            answer = sent(backend, method, path, json.dumps({name: value}).encode())
            assert answer.status_code in {200, 201, 400, 404}, (name, ascii(value), answer.text)
            if answer.status_code == 400:
                assert MARKUP not in answer.text
                assert "x" * 100 not in answer.text


def test_p255_unknown_members_set_nothing(parties: Parties, backend: Backend) -> None:
    before = backend.get("/clients/playground")
    claimed = {
        "id": 1,
        "client_id": "other",
        "secret_hash": "0" * 64,
        "generation": "x",
        "created_at": 0,
        "__proto__": {},
    }
    assert backend.done("PATCH", "/clients/playground", claimed) == {
        **{name: value for name, value in before.items() if name != "secrets"},
        "client_secret": None,
    }
    assert backend.get("/clients/playground") == before
    assert validated(parties, json.dumps({"access_token": "x", "is_active": True, "": 1}).encode()).status_code == 200


@pytest.mark.parametrize("depth", [*range(700, 1000, 20), DEPTH])
def test_p255_keys_nested_as_deep_as_can_be_read_are_no_fault(backend: Backend, depth: int) -> None:
    for inner in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
        body = b'{"auth_method":"private_key_jwt","is_confidential":true,"jwks":{"keys":[{"kty":' + inner + b"}]}}"
        answer = sent(backend, "PATCH", f"{PREFIX}/clients/playground", body)
        assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("text", ["\u3164", " ", "\u200b", "\u2800 "], ids=ascii)
def test_p255_a_search_for_what_shows_nothing_is_none(backend: Backend, text: str) -> None:
    for path in ("/clients", "/users"):
        answer = backend.send("GET", f"{path}?{query(text)}")
        is_refused(answer, 400, "invalid_input")


def query(text: str) -> str:
    return urlencode({"search": text})


def test_p255_a_search_finds_what_is_kept_however_it_is_written(parties: Parties, backend: Backend) -> None:
    made = {
        "client_id": "hangul",
        "name": "맥스 Über 가게",
        "redirect_uris": ["https://a.example/"],
        "allowed_scopes": [],
    }
    backend.done("POST", "/clients", made, 201)
    for text in (
        "맥스",
        unicodedata.normalize("NFD", "맥스"),
        "맥스  Über",
        "맥\u200b스",
        " 가게 ",
        "ÜBER",
        "über",
        "Über",
        "ＨＡＮＧＵＬ",
    ):
        found = [each["client_id"] for each in backend.get(f"/clients?{query(text)}")["clients"]]
        if text in {"ÜBER", "über"} and parties.database_url.startswith("sqlite"):
            continue  # SQLite knows the cases of ASCII alone
        assert found == ["hangul"], ascii(text)
    backend.done("DELETE", "/clients/hangul")


def test_p256_refusals_of_the_service_api_have_the_one_shape(backend: Backend) -> None:
    nobody = backend.app.test_client()
    for answer, status in (
        (sent(backend, "POST", f"{PREFIX}/clients", b"{"), 400),
        (backend.send("POST", "/clients", {"client_id": "a b"}), 400),
        (backend.send("GET", "/clients/none"), 404),
        (backend.send("GET", "/none"), 404),
        (backend.send("PUT", "/clients", {}), 405),
        (sent(backend, "POST", f"{PREFIX}/clients", b"x" * 300_000), 413),
        (sent(backend, "POST", f"{PREFIX}/clients", b"a=b", FORM), 415),
    ):
        assert (answer.status_code, set(answer.json) - {"fields"}) == (status, SHAPE), answer.text
        assert answer.json["request_id"] == answer.headers["X-Request-ID"]
    assert nobody.get(f"{PREFIX}/clients").json == {"detail": "Could not validate service credentials"}


def test_p257_a_cursor_shows_no_more_than_the_token_it_comes_with(parties: Parties, backend: Backend) -> None:
    cursor = backend.get("/clients?limit=1")["next"]
    person = parties.web.tokens()["access_token"]
    asked = f"{PREFIX}/clients?limit=1&cursor={cursor}"
    for token, status in ((person, 403), ("x", 401)):
        assert parties.nobody.get(asked, headers={"Authorization": f"Bearer {token}"}).status_code == status
    # A place in one list is a moment and an id, so in another list it is a place among that list's own rows.
    for path in ("/users", "/sessions", "/tokens", "/audit"):
        answer = backend.send("GET", f"{path}?limit=1&cursor={cursor}")
        assert answer.status_code in {200, 400}, answer.text
        assert "maxflowstudio" not in answer.text or path == "/audit"


HIDDEN = [
    "",
    "/",
    "/clients/",
    "//clients",
    "/clients/a/b/c",
    "/../../oauth/token",
    "/.env",
    "/clients;x=1",
    "/CLIENTS",
    "/%2e",
]


@pytest.mark.parametrize("path", HIDDEN)
def test_p259_what_is_not_there_is_not_there_below_the_service_api(backend: Backend, path: str) -> None:
    answer = backend.send("GET", path)
    assert answer.status_code in {404, 308}, (path, answer.text)
    if answer.status_code == 308:
        assert answer.location.startswith("http://localhost/api/")


@pytest.mark.parametrize("prefix", ["/api/oauth", "/oauth"])
@pytest.mark.parametrize("path", ["", "/", "/token/", "/tokens", "/token/x", "/.env", "/TOKEN", "/token;x=1"])
def test_p259_nor_below_the_protocol(parties: Parties, prefix: str, path: str) -> None:
    assert parties.nobody.post(prefix + path, data={"grant_type": "x"}).status_code in {404, 405}


@pytest.mark.parametrize("accept", ["text/html", "image/svg+xml", MARKUP])
def test_p260_no_refusal_of_a_program_is_a_page_whatever_it_asks_for(
    parties: Parties, backend: Backend, accept: str
) -> None:
    headers = {"Accept": accept}
    form = {"grant_type": MARKUP, "client_id": MARKUP, "token": MARKUP, "code": MARKUP}
    answers = [parties.nobody.post(path, data=form, headers=headers) for path in FORMS]
    answers += [
        parties.nobody.post(VALIDATE, json={"access_token": MARKUP, MARKUP: MARKUP}, headers=headers),
        parties.nobody.get("/api/oauth/userinfo", headers={**headers, "Authorization": f"Bearer {MARKUP}"}),
        parties.nobody.get("/api/oauth/userinfo", query_string={"access_token": MARKUP}, headers=headers),
        backend.send("GET", f"/clients/{MARKUP}", **headers),
        backend.send("GET", f"/clients?{query(MARKUP)}&{query(MARKUP)}", **headers),
        backend.send("POST", "/clients", {"client_id": MARKUP, "name": MARKUP, "redirect_uris": [MARKUP]}, **headers),
        backend.send("POST", "/tokens/revoke", {"client_id": MARKUP}, **headers),
        backend.send("GET", f"/audit?action={MARKUP}", **headers),
        backend.send("GET", f"/{MARKUP}", **headers),
    ]
    for answer in answers:
        assert 400 <= answer.status_code < 500
        assert (answer.mimetype, answer.headers["X-Content-Type-Options"]) == (JSON, "nosniff")
        for part in (MARKUP, "<svg", "onload", "53743561"):
            assert part not in answer.text + str(answer.headers)


def test_p260_what_a_page_of_the_protocol_repeats_is_text(parties: Parties) -> None:
    for path in ("/api/oauth/authorize", "/oauth/logout", f"/errors/{MARKUP}", f"/errors/code/{MARKUP}"):
        asked = {
            "client_id": MARKUP,
            "redirect_uri": MARKUP,
            "post_logout_redirect_uri": MARKUP,
            "id_token_hint": MARKUP,
        }
        answer = parties.nobody.get(path, query_string=asked, headers={"Accept": "text/html", "Accept-Language": "en"})
        page = is_page(answer, answer.status_code)
        assert "<svg onload" not in answer.text
        assert "53743561" not in page.text


@pytest.mark.parametrize("header", OVERRIDES)
def test_p261_no_header_turns_a_method_into_another_at_any_door(
    parties: Parties, backend: Backend, header: str
) -> None:
    assert backend.send("GET", "/clients/playground", **{header: "DELETE"}).json["client_id"] == "playground"
    is_refused(backend.send("POST", "/clients/playground?_method=DELETE", {}, **{header: "DELETE"}), 405)
    assert backend.get("/clients/playground")["is_active"] is True
    token = parties.web.tokens()["refresh_token"]
    asked = {"token": token, "_method": "POST", "client_id": "web", "client_secret": parties.web.secret or ""}
    for path in FORMS:
        answer = parties.nobody.get(path, query_string=asked, headers={header: "POST"})
        assert answer.status_code == 405
    assert parties.web.refresh(token).status_code == 200
