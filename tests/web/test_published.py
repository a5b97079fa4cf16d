"""Metadata and keys from memory: the same answer as the application's own, new as soon as it has to be."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

PATHS = (
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/api/oauth/.well-known/oauth-authorization-server",
    "/.well-known/jwks.json",
)


@pytest.mark.parametrize("path", PATHS)
def test_a_kept_answer_is_the_applications_own(client: FlaskClient, path: str) -> None:
    # A query makes a request the application's affair.
    own, kept, again = client.get(f"{path}?own"), client.get(path), client.get(path)
    assert own.data == kept.data == again.data
    for name in ("Content-Type", "Cache-Control", "ETag", "X-Content-Type-Options", "Referrer-Policy"):
        assert own.headers[name] == kept.headers[name] == again.headers[name], name
    assert len({answer.headers["X-Request-ID"] for answer in (own, kept, again)}) == 3
    assert again.headers["Content-Length"] == str(len(again.data))


@pytest.mark.parametrize("origin", ["https://anywhere.example", "null"])
def test_every_origin_may_read_it(client: FlaskClient, origin: str) -> None:
    for _ in range(2):
        answer = client.get(PATHS[0], headers={"Origin": origin})
        assert answer.headers.getlist("Access-Control-Allow-Origin") == ["*"]
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_who_has_it_already_is_told_so(client: FlaskClient) -> None:
    etag = client.get(PATHS[0]).headers["ETag"]
    same = client.get(PATHS[0], headers={"If-None-Match": etag})
    assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", etag)
    assert client.get(PATHS[0], headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("POST", 405), ("DELETE", 405), ("OPTIONS", 200)])
def test_other_methods_are_the_applications_affair(client: FlaskClient, method: str, status: int) -> None:
    client.get(PATHS[0])
    answer = client.open(PATHS[0], method=method)
    assert (answer.status_code, answer.data if method == "HEAD" else b"") == (status, b"")


def test_a_rotated_key_is_published_by_the_process_that_rotated_it_at_once(client: FlaskClient, app: Flask) -> None:
    before = {key["kid"] for key in client.get(PATHS[3]).json["keys"]}
    assert app.test_cli_runner().invoke(args=["keys", "rotate"]).exit_code == 0
    after = {key["kid"] for key in client.get(PATHS[3]).json["keys"]}
    assert before < after


def test_an_id_is_taken_from_a_trusted_proxy_only(make_app: object, client: FlaskClient) -> None:
    sent = {"X-Request-ID": "abcdef12-from-the-proxy"}
    assert client.get(PATHS[0], headers=sent).headers["X-Request-ID"] != sent["X-Request-ID"]
    behind = make_app(TRUSTED_PROXIES="1").test_client()  # type: ignore[operator]
    assert behind.get(PATHS[0], headers=sent).headers["X-Request-ID"] == sent["X-Request-ID"]
    assert behind.get(PATHS[0], headers={"X-Request-ID": "a\tb"}).headers["X-Request-ID"] != "a\tb"
