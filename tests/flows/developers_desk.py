"""An integration at the desk of its developer: clients of a running portal, their requests, and the pages they read."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import requests

from tests.flows.live_client import PATIENCE, LiveClient
from tests.portal import Portal
from tests.relying_party import CHALLENGE, VERIFIER

LANGUAGES = ("en", "ko")
LOCALHOST = "http://localhost:3010/cb"
AUTHORIZE = "/api/oauth/authorize"
WITHOUT_CONTENT = frozenset({"br", "img", "input", "link", "meta", "use", "path", "hr"})


class Page(HTMLParser):
    """What can be read on a page: its text, names with values, what is marked in them, and commands."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__()
        assert response.headers["Content-Type"].startswith("text/html"), response.headers
        assert response.headers["Cache-Control"] == "no-store"
        self.html = response.text
        self.text = ""
        self.facts: list[tuple[str, str]] = []
        self.marked: list[str] = []
        self.commands: list[list[str]] = []
        self._open: list[tuple[str, bool]] = []
        self._label = ""
        self._taken: dict[str, str] = {}
        self.feed(response.text)
        self.text = " ".join(self.text.split())

    def value(self, label: str) -> str:
        """The first value of that name."""
        return next(value for name, value in self.facts if name == label)

    def number(self, label: str) -> int:
        """The same as a number."""
        return int(self.value(label))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in WITHOUT_CONTENT:
            return
        given = dict(attrs)
        is_shown = tag not in {"head", "script", "style", "template", "nav", "footer"} and "hidden" not in given
        if tag == "details" and "open" not in given:
            is_shown = False
        is_shown = is_shown and "visually-hidden" not in (given.get("class") or "")
        self._open.append((tag, is_shown))
        if tag in {"dt", "code", "mark", "pre"}:
            self._taken[tag] = ""

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass
        said = self._taken.pop(tag, "").strip()
        if tag == "dt":
            self._label = said
        elif tag == "code" and self._is_within("dd"):
            self.facts.append((self._label, said))
        elif tag == "mark":
            self.marked.append(said)
        elif tag == "pre":
            self.commands.append(said.split())

    def _is_within(self, tag: str) -> bool:
        return any(tag == each for each, _ in self._open)

    def handle_data(self, data: str) -> None:
        if all(is_shown for _, is_shown in self._open):
            self.text += f"{data}" if "code" in self._taken else f" {data}"
            for tag in self._taken:
                self._taken[tag] += data


@dataclass
class Bench:
    """A portal, a person who is logged in, and what no page may ever show."""

    portal: Portal
    person: LiveClient
    secrets: set[str] = field(default_factory=set)

    def client(self, *options: str, redirect: str = LOCALHOST, is_confidential: bool = False) -> LiveClient:
        """A new client in the person's browser, set up as an operator does."""
        client_id = f"shop-{uuid4().hex[:8]}"
        kind = ("--confidential",) if is_confidential else ()
        uris = ("--redirect-uri", redirect) if redirect else ()
        scope = () if "--scope" in options else ("--scope", "openid profile")
        made = self.portal.flask(
            "clients", "create", client_id, *uris, *scope, *kind, "--consent", "implicit", *options
        )
        found = re.search(r"[A-Za-z0-9_-]{43}", made)
        client = LiveClient(self.portal, client_id, found[0] if found and is_confidential else None)
        client.cookies = self.person.cookies
        self.secrets |= {client.secret} if client.secret else set()
        return client

    def service(self, *options: str, scope: str = "admin:oauth") -> LiveClient:
        """A new service in development."""
        grant = ("--grant", "client_credentials", "--scope", scope, "--in-development")
        return self.client(*grant, *options, redirect="", is_confidential=True)

    def pages(self, address: str, query: dict[str, str] | None = None) -> dict[str, Page]:
        """What a developer reads there who is nobody to the portal, in each language."""
        found = {}
        for language in LANGUAGES:
            headers = {"Accept-Language": language, "Accept": "text/html"}
            response = requests.get(address, params=query, headers=headers, timeout=PATIENCE, allow_redirects=False)
            found[language] = Page(response)
            assert response.status_code == (400 if query else 200), response.text
            assert not [secret for secret in self.secrets if secret in response.text]
        return found

    def read(self, address: str) -> dict[str, Page]:
        """The pages of an ``error_uri``, under an id that only the answer held."""
        assert re.fullmatch(rf"{self.portal.url}/errors/[a-z-]+/[\w-]{{22}}", address), address
        return self.pages(address)

    def refused(self, response: requests.Response, error: str) -> dict[str, Page]:
        """The pages to which a refusal of the back channel leads."""
        assert response.json()["error"] == error, response.text
        return self.read(response.json()["error_uri"])

    def challenged(self, response: requests.Response, error: str) -> dict[str, Page]:
        """The pages to which a challenge leads."""
        challenge = dict(re.findall(r'(\w+)="([^"]*)"', response.headers["WWW-Authenticate"]))
        assert (response.status_code in {401, 403}, challenge["error"]) == (True, error)
        return self.read(challenge["error_uri"])

    def sent_back(self, client: LiveClient, error: str, **changes: str) -> dict[str, Page]:
        """The pages to which an error at the redirect URI leads."""
        answer = answered(authorized(client, **changes))
        assert answer["error"] == error
        return self.read(answer["error_uri"])

    def code(self, client: LiveClient, **changes: str) -> str:
        """A code, which no page may show."""
        answer = answered(authorized(client, **changes))
        assert "code" in answer, answer
        self.secrets |= {answer["code"], VERIFIER}
        return answer["code"]

    def tokens(self, client: LiveClient) -> dict[str, Any]:
        """The answer to a whole login."""
        found = redeemed(client, self.code(client)).json()
        self.secrets |= {value for name, value in found.items() if name.endswith("_token")}
        return dict(found)

    def type(self, page: Page) -> str:
        """What the command of a page prints to an operator who types it."""
        (command,) = [each for each in page.commands if each[0] == "flask"]
        assert command[:3] == ["flask", "--app", "wsgi"]
        return self.portal.flask(*command[3:])


def authorized(client: LiveClient, **changes: str) -> requests.Response:
    """An authorization request of a library; what is changed to nothing is left out."""
    query = {"redirect_uri": LOCALHOST, "scope": "openid profile", "prompt": "none", **changes}
    good = {"response_type": "code", "client_id": client.client_id, "state": "the-state"}
    pkce = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    asked = {name: value for name, value in {**good, **pkce, **query}.items() if value}
    return client.browse("GET", AUTHORIZE, params=asked)


def answered(response: requests.Response) -> dict[str, str]:
    """What the application gets at its redirect URI."""
    assert response.status_code == 302, response.text[:500]
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["Location"]).query).items()}


def redeemed(client: LiveClient, code: str, **changes: str) -> requests.Response:
    """A token request of a library; what is changed to nothing is left out."""
    good = {"grant_type": "authorization_code", "code": code, "redirect_uri": LOCALHOST, "code_verifier": VERIFIER}
    return client.token(**{name: value for name, value in {**good, **changes}.items() if value})
