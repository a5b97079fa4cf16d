"""Each probe sees the fault it is there for, and those beside it do not take it for theirs."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import requests
from flask import Flask
from joserfc.jwk import ECKey

from app.admin import pages as admin_pages
from app.login import routes as login_routes
from app.oauth import client_authentication
from app.oauth.authorization_request import Draft
from app.selfcheck import addresses, codes, documents, pages, people, tokens
from app.selfcheck.findings import Book
from app.services.clients.records import ClientRecord
from app.services.delivery.exchange import WholeAnswer
from app.services.foundation.powers import powers_by
from app.services.grants import authorization_codes, refresh_tokens
from app.services.revocation.revocations import Revocations
from app.services.sessions.sessions import Sessions
from app.services.tokens.tokens import Tokens
from app.web import steps
from tests.selfcheck.faulty import Spoil, checked, in_process, red

ISSUER = "https://id.example.com"
Rule = Callable[[pytest.MonkeyPatch, Flask], None]


def without(name: str, value: str = "") -> Spoil:
    """Takes a header away, or has it say something else."""

    def spoil(_: requests.PreparedRequest, answer: WholeAnswer) -> WholeAnswer:
        rest = [(key, old) for key, old in answer.headers if key.lower() != name.lower()]
        return replace(answer, headers=[*rest, *([(name, value)] if value else [])])

    return spoil


def rewritten(name: str, old: str, new: str) -> Spoil:
    """Changes what each header of a name says."""

    def spoil(_: requests.PreparedRequest, answer: WholeAnswer) -> WholeAnswer:
        headers = [(k, re.sub(old, new, v) if k.lower() == name.lower() else v) for k, v in answer.headers]
        return replace(answer, headers=headers)

    return spoil


def document(path: str, change: Callable[[dict[str, Any]], object]) -> Spoil:
    """Changes a JSON document."""

    def spoil(request: requests.PreparedRequest, answer: WholeAnswer) -> WholeAnswer:
        if urlsplit(request.url or "").path != path:
            return answer
        change(said := json.loads(answer.body))
        return replace(answer, body=json.dumps(said).encode())

    return spoil


def echoing(request: requests.PreparedRequest, answer: WholeAnswer) -> WholeAnswer:
    """Refusals say what was sent."""
    if answer.status < 400:
        return answer
    sent = quote(str(request.body or request.url)).encode() + str(parse_qs(str(request.body or ""))).encode()
    return replace(answer, body=answer.body + sent)


def redirecting_errors(request: requests.PreparedRequest, answer: WholeAnswer) -> WholeAnswer:
    """Refused requests lead to wherever they said."""
    parts = urlsplit(request.url or "")
    asked = parse_qs(parts.query).get("redirect_uri", [""])[0]
    if parts.path != "/api/oauth/authorize" or answer.status < 400 or "another-site" not in asked:
        return answer
    return replace(answer, status=302, headers=[*answer.headers, ("Location", asked)])


def late(request: requests.PreparedRequest, answer: WholeAnswer) -> WholeAnswer:
    """Answers come from another time."""
    return without("Date", format_datetime(datetime.now(UTC) - timedelta(minutes=10), usegmt=True))(request, answer)


SPOILED: list[tuple[Book, set[str], Spoil]] = [
    (documents.book, {"issuer"}, document("/.well-known/openid-configuration", lambda said: said.update(issuer="x"))),
    (documents.book, {"published_keys"}, document("/.well-known/jwks.json", lambda s: s["keys"][0].update(d="x"))),
    (documents.book, {"published_keys"}, without("Cache-Control")),
    (documents.book, {"clock"}, late),
    (documents.book, {"foreign_origin"}, without("Access-Control-Allow-Origin", documents.FOREIGN)),
    (codes.book, {"answer_issuer"}, rewritten("Location", r"[?&]iss=[^&]*", "")),
    (addresses.book, {"unregistered_errors", "redirect_uris"}, redirecting_errors),
    (tokens.book, {"token_caching"}, without("Cache-Control")),
    (pages.book, {"framing"}, without("X-Frame-Options")),
    (pages.book, {"framing"}, rewritten("Content-Security-Policy", "frame-ancestors 'none'", "frame-ancestors *")),
    (pages.book, {"script_policy"}, rewritten("Content-Security-Policy", "script-src ", "script-src 'unsafe-inline' ")),
    (pages.book, {"plain_headers"}, without("X-Content-Type-Options")),
    (pages.book, {"page_caching"}, without("Cache-Control", "public, max-age=60")),
    (pages.book, {"cookies"}, rewritten("Set-Cookie", "(?i); *httponly", "")),
    (pages.book, {"cookies"}, rewritten("Set-Cookie", "(?i); *secure", "")),
    (pages.book, {"cookies"}, rewritten("Set-Cookie", "(?i)(portal_session=[^;]*); *", r"\1; Domain=example.com; ")),
    (pages.book, {"hsts"}, without("Strict-Transport-Security", "max-age=60")),
    (pages.book, {"versions"}, without("Server", "nginx/1.18.0")),
    (pages.book, {"echo"}, echoing),
]


def lets_any_path_match(patch: pytest.MonkeyPatch, _: Flask) -> None:
    def starts(client: ClientRecord, uri: str) -> bool:
        return uri.startswith(client.redirect_uris)

    patch.setattr(ClientRecord, "has_redirect_uri", starts)


def lets_any_logout_match(patch: pytest.MonkeyPatch, _: Flask) -> None:
    patch.setattr(ClientRecord, "has_post_logout_redirect_uri", lambda *_: True)


def goes_wherever_next_says(patch: pytest.MonkeyPatch, _: Flask) -> None:
    patch.setattr(steps, "safe_path", lambda target: target or "/")


def asks_for_no_token(patch: pytest.MonkeyPatch, _: Flask) -> None:
    patch.setattr("flask_wtf.csrf.validate_csrf", lambda *_, **__: None)


def counts_nothing(patch: pytest.MonkeyPatch, app: Flask) -> None:
    patch.setattr(app.extensions["services"].rate_limits, "_enabled", False)


def forgets_used_codes(patch: pytest.MonkeyPatch, _: Flask) -> None:
    patch.setattr(Revocations, "end_family", lambda *_: True)


def asks_for_no_verifier(patch: pytest.MonkeyPatch, _: Flask) -> None:
    patch.setattr(authorization_codes, "_require_verifier", lambda *_: None)


def takes_any_challenge(patch: pytest.MonkeyPatch, _: Flask) -> None:
    patch.setattr(Draft, "_challenge", lambda _, given: given.get("code_challenge"))


def takes_any_redirect_uri(patch: pytest.MonkeyPatch, _: Flask) -> None:
    patch.setattr(authorization_codes, "_require_same_redirect_uri", lambda *_: None)


def takes_any_secret(patch: pytest.MonkeyPatch, _: Flask) -> None:
    patch.setattr(client_authentication, "is_secret", lambda *_: True)


def takes_any_signed_token(patch: pytest.MonkeyPatch, _: Flask) -> None:
    def read(self: Tokens, token: str) -> dict[str, Any]:
        claims = self._verified(token)[1]
        return {"jti": "none", "client_id": claims["aud"], "scope": "openid profile", "type": "access", **claims}

    patch.setattr(Tokens, "read_access_token", read)


def takes_any_token(patch: pytest.MonkeyPatch, _: Flask) -> None:
    patch.setattr(Tokens, "_verified", lambda _, token, **__: tokens.read(token))


def lets_reused_tokens_live(patch: pytest.MonkeyPatch, _: Flask) -> None:
    patch.setattr(refresh_tokens, "_is_usable", lambda row, use: not refresh_tokens._is_foreign(row, use))
    patch.setattr(Revocations, "end_family", lambda *_: True)


def lets_everybody_administer(patch: pytest.MonkeyPatch, _: Flask) -> None:
    everybody = SimpleNamespace(is_authenticated=True, powers=powers_by((), is_full=True))
    patch.setattr(admin_pages, "current_user", everybody)


def ends_no_session(patch: pytest.MonkeyPatch, _: Flask) -> None:
    patch.setattr(Sessions, "end", lambda *_: None)


def logs_out_by_a_link(patch: pytest.MonkeyPatch, app: Flask) -> None:
    def log_out() -> str:
        login_routes.end_session("logout")
        return "bye"

    patch.setitem(app.view_functions, "login.logout", log_out)


BROKEN: list[tuple[Book, set[str], Rule]] = [
    (addresses.book, {"redirect_uris"}, lets_any_path_match),
    (addresses.book, {"logout_redirect"}, lets_any_logout_match),
    (addresses.book, {"login_redirect"}, goes_wherever_next_says),
    (people.book, {"csrf_login", "csrf_consent", "csrf_logout"}, asks_for_no_token),
    (people.book, {"login_limit"}, counts_nothing),
    (people.book, {"admin_pages"}, lets_everybody_administer),
    (people.book, {"session_end"}, ends_no_session),
    (people.book, {"csrf_logout"}, logs_out_by_a_link),
    (codes.book, {"code_replay"}, forgets_used_codes),
    (codes.book, {"pkce_verifier"}, asks_for_no_verifier),
    (codes.book, {"pkce_plain", "pkce_required"}, takes_any_challenge),
    (codes.book, {"code_redirect_uri"}, takes_any_redirect_uri),
    (tokens.book, {"client_authentication"}, takes_any_secret),
    (tokens.book, {"token_audience", "token_types"}, takes_any_signed_token),
    (tokens.book, {"token_forgery", "token_audience"}, takes_any_token),
    (tokens.book, {"refresh_reuse"}, lets_reused_tokens_live),
]


@pytest.fixture
def secure(make_app: Callable[..., Flask]) -> Flask:
    """A portal that people reach over https, whose limits nobody reaches but by guessing passwords."""
    return make_app(PUBLIC_URL=ISSUER, RATE_LIMIT_ENABLED="true", RATE_LIMIT_DEFAULT="100000/minute")


@pytest.mark.parametrize(("book", "expected", "spoil"), SPOILED)
def test_what_a_proxy_spoils_turns_its_probe_red(
    secure: Flask, monkeypatch: pytest.MonkeyPatch, book: Book, expected: set[str], spoil: Spoil
) -> None:
    with in_process(secure, monkeypatch, spoil):
        found = checked(secure, only={probe.name for probe in book.probes})
    assert red(found) == expected


@pytest.mark.parametrize(("book", "expected", "break_it"), BROKEN)
def test_a_rule_that_is_broken_turns_its_probe_red(
    secure: Flask, monkeypatch: pytest.MonkeyPatch, book: Book, expected: set[str], break_it: Rule
) -> None:
    with monkeypatch.context() as patch:
        break_it(patch, secure)
        with in_process(secure, patch):
            found = checked(secure, only={probe.name for probe in book.probes})
    assert red(found) == expected


def test_a_key_of_another_server_is_no_key_of_ours() -> None:
    """The forgeries of the probe are tokens that somebody could take for good ones."""
    key = ECKey.generate_key("P-256").as_dict(private=False)
    header, claims = {"typ": "at+jwt", "alg": "ES256", "kid": "k"}, {"sub": "ada"}
    for token in (*tokens._by_another(header, claims).values(), tokens._by_public(header, claims, key)):
        assert tokens.read(token)[1] == claims
