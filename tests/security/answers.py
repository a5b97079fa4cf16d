"""Judging answers: refusals as pages, by redirect and as JSON, and markup that nobody has slipped anything into."""

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from werkzeug.test import TestResponse

from tests.relying_party import EXPLAINED, REDIRECT_URI

ISSUER = "http://localhost:8000"
ADDRESSES = {"href", "src", "action", "formaction", "data", "poster", "srcset", "ping"}
OWN_ADDRESS = re.compile(r"/(?![/\\])|#[\w-]+\Z")


class Markup(HTMLParser):
    """The tags of a page with the names of their attributes, the addresses in them, the text, the form fields."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.addresses: list[str] = []
        self.fields: dict[str, str] = {}
        self.action = ""
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, *sorted(given)))
        self.addresses += [value for name, value in given.items() if name in ADDRESSES]
        if tag == "input" and "name" in given:
            self.fields[given["name"]] = given.get("value", "")
        if tag == "form":
            self.action = given.get("action", "")

    def handle_data(self, data: str) -> None:
        self.text += data


def is_page(response: TestResponse, status: int = 400) -> Markup:
    """A page of ours that leads nowhere else: no redirect of any kind, no address outside, no handler in a tag."""
    assert response.status_code == status, response.headers.get("Location")
    assert response.mimetype == "text/html"
    assert not {"location", "refresh", "link", "access-control-allow-origin"} & {
        name.lower() for name, _ in response.headers
    }
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert "'unsafe-inline'" not in response.headers["Content-Security-Policy"]
    markup = Markup(response.text)
    assert [address for address in markup.addresses if not OWN_ADDRESS.match(address)] == []
    assert [tag for tag in markup.tags if any(name.startswith("on") or name == "http-equiv" for name in tag[1:])] == []
    return markup


def is_sent_back(
    response: TestResponse, error: str, state: str | None = "the-state", to: str = REDIRECT_URI, status: int = 302
) -> dict[str, str]:
    """An error answer by redirect: these parameters, each once, and nothing else (RFC 6749 4.1.2.1, RFC 9207 2).

    What whoever wrote the application has to mend comes with the address of a page that explains it.
    """
    assert response.status_code == status, response.text
    address, _, query = response.location.partition("?")
    assert (address, urlsplit(response.location).fragment) == (to, "")
    assert response.headers.getlist("Set-Cookie") == []
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    expected = {"error": error, "iss": ISSUER, **({} if state is None else {"state": state})}
    got = dict(pairs)
    assert len(got) == len(pairs)
    assert got.pop("error_description")
    explained = got.pop("error_uri", None)
    assert explained is None or EXPLAINED.fullmatch(explained)
    assert got == expected
    return dict(pairs)


def is_accepted(response: TestResponse, state: str | None = "the-state", to: str = REDIRECT_URI) -> str:
    """A successful answer by redirect; gives the code."""
    assert response.status_code in {302, 303}, response.text
    address, _, query = response.location.partition("?")
    assert (address, urlsplit(response.location).fragment) == (to, ""), response.location
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    got = dict(pairs)
    assert len(got) == len(pairs)
    assert set(got) == {"code", "iss", *(() if state is None else ("state",))}, got
    assert (got["iss"], got.get("state")) == (ISSUER, state)
    return got["code"]


def is_refused(response: TestResponse, error: str, status: int = 400) -> str:
    """An error of the back channel (RFC 6749 5.2): exactly these members, never stored. Gives the description."""
    assert (response.status_code, response.mimetype) == (status, "application/json"), response.text
    body = dict(response.json)
    if not response.request.path.endswith("/validate"):
        assert EXPLAINED.fullmatch(body.pop("error_uri"))
    assert (body["error"], set(body)) == (error, {"error", "error_description"}), response.json
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert ("WWW-Authenticate" in response.headers) == (status == 401)
    return str(response.json["error_description"])


def is_challenged(response: TestResponse, error: str = "invalid_token", status: int = 401) -> str:
    """A refused bearer token (RFC 6750 3.1); gives the challenge."""
    assert (response.status_code, response.mimetype) == (status, "application/json"), response.text
    assert response.json["error"] == error
    challenge = response.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="')
    assert f'error="{error}"' in challenge
    assert response.headers["Cache-Control"] == "no-store"
    return challenge


def is_json(response: TestResponse, status: int = 200) -> Any:
    """A JSON answer that nobody keeps."""
    assert (response.status_code, response.mimetype) == (status, "application/json"), response.text
    assert response.headers["Cache-Control"] == "no-store"
    return response.json
