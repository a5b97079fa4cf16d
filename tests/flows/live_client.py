"""A client application and its person's browser, speaking to a portal under gunicorn: to any worker or a chosen one."""

import os
import re
import time
from collections.abc import Callable
from contextlib import closing, suppress
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import requests
import sqlalchemy as sa

from app import create_app
from app.settings import Settings
from tests.portal import Portal, close
from tests.relying_party import CHALLENGE, REDIRECT_URI, VERIFIER
from tests.servers import unrestricted_engine

T = TypeVar("T")
SCOPE = "openid profile offline_access"
# Longer than the portal itself waits for a busy database, so a test never decides by its own patience.
PATIENCE = 30
_to_worker: ContextVar[requests.Session | None] = ContextVar("_to_worker", default=None)


class LiveClient:
    """``log_in`` begins a session in the person's browser; ``code`` and ``redeem`` are the halves of a login."""

    def __init__(self, portal: Portal, client_id: str, secret: str | None = None) -> None:
        self.portal = portal
        self.client_id = client_id
        self.secret = secret
        self.cookies: dict[str, str] = {}

    def send(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """A request over a connection of its own, so that any worker may get it; within ``each`` to the one meant."""
        kept, url = _to_worker.get(), f"{self.portal.url}{path}"
        request = kept.request if kept else requests.request
        return request(method, url, timeout=PATIENCE, allow_redirects=False, **arguments)

    def log_in(self, email: str, password: str) -> requests.Response:
        """Fill in the login page."""
        page = self.browse("GET", "/login")
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
        assert found, page.text
        return self.browse("POST", "/login", data={"csrf_token": found[1], "email": email, "password": password})

    def browse(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """A request of the person's browser, with its cookies."""
        response = self.send(method, path, cookies=self.cookies, **arguments)
        self.cookies.update(response.cookies.get_dict())
        return response

    def authorize(self, **changes: str) -> requests.Response:
        """The authorization request, silent unless changed."""
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": SCOPE,
            "state": "the-state",
            "prompt": "none",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        return self.browse("GET", "/api/oauth/authorize", params=query)

    def code(self) -> str:
        """A code, for a person who is logged in."""
        return parameters(self.authorize())["code"]

    def token(self, **form: str) -> requests.Response:
        """A token request; a confidential client authenticates by Basic."""
        if self.secret is None:
            form = {"client_id": self.client_id, **form}
        return self.send("POST", "/api/oauth/token", data=form, auth=self.credentials)

    def redeem(self, code: str) -> requests.Response:
        """Redeem a code."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
        return self.token(**form, code_verifier=VERIFIER)

    def refresh(self, token: str) -> requests.Response:
        """Use a refresh token."""
        return self.token(grant_type="refresh_token", refresh_token=token)

    def tokens(self) -> dict[str, Any]:
        """The answer to a whole login."""
        response = self.redeem(self.code())
        assert response.status_code == 200, response.text
        return dict(response.json())

    def userinfo(self, token: str) -> requests.Response:
        """Ask userinfo."""
        return self.send("GET", "/api/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})

    def introspect(self, token: str) -> requests.Response:
        """Ask what a token is worth."""
        return self.send("POST", "/api/oauth/introspect", data={"token": token}, auth=self.credentials)

    @property
    def credentials(self) -> tuple[str, str] | None:
        """What a confidential client authenticates with."""
        return (self.client_id, self.secret) if self.secret else None


def parameters(response: requests.Response) -> dict[str, str]:
    """The parameters of an authorization response at the redirect URI."""
    location = response.headers.get("Location", "")
    assert location.startswith(f"{REDIRECT_URI}?"), (response.status_code, location, response.text[:500])
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


class Workers:
    """A kept connection to every worker. Nothing else may connect to the portal while one is made."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self._kept: dict[int, requests.Session] = {}

    def each(self, ask: Callable[[], T]) -> list[T]:
        """What every worker answers, one after the other; ``ask`` sends by a :class:`LiveClient`."""
        answers = []
        for session in self._connected():
            token = _to_worker.set(session)
            try:
                answers.append(ask())
            finally:
                _to_worker.reset(token)
        return answers

    def close(self) -> None:
        """Give the connections back."""
        for session in self._kept.values():
            session.close()
        self._kept.clear()

    def _connected(self) -> list[requests.Session]:
        deadline = time.monotonic() + PATIENCE
        expected = int(self.portal.environment["WEB_CONCURRENCY"])
        while len(self._kept) < expected or set(self._kept) != set(self.portal.workers):
            assert time.monotonic() < deadline, (self._kept, self.portal.workers)
            self._connect()
        return [self._kept[pid] for pid in sorted(self._kept)]

    def _connect(self) -> None:
        """Open one more connection and keep it if it leads to a worker that none led to before."""
        workers = self.portal.workers
        before = {pid: _sockets(pid) for pid in workers}
        session = requests.Session()
        # Cookies belong to the browsers, not to the line.
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        assert session.get(f"{self.portal.url}/health", timeout=PATIENCE).ok
        taken = [pid for pid in workers if _sockets(pid) - before[pid]]
        if len(taken) == 1 and taken[0] not in self._kept:
            self._kept[taken[0]] = session
        else:
            session.close()


def _sockets(pid: int) -> set[str]:
    """The sockets a process holds open."""
    found = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        with suppress(FileNotFoundError):
            found.add(os.readlink(f"/proc/{pid}/fd/{name}"))
    return {each for each in found if each.startswith("socket:")}


def by_services(portal: Portal, act: Callable[[Any], T]) -> T:
    """Do what no command does yet: call the services of this portal's database, in this process, as one transaction."""
    app = create_app(Settings.from_environment(portal.environment))
    try:
        with app.app_context():
            services = app.extensions["services"]
            result = act(services)
            services.db.session.commit()
            return result
    finally:
        close(app)


def rows(portal: Portal, statement: str, **values: object) -> list[dict[str, Any]]:
    """Rows of the portal's database, read beside it."""
    engine = unrestricted_engine(portal.environment["DATABASE_URL"])
    with closing(engine.connect()) as connection:
        return [dict(row) for row in connection.execute(sa.text(statement), values).mappings()]
