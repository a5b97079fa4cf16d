"""A browser without script that visits the portal: keeps cookies as they are named, goes nowhere else.

It asks one address, which the operator or the settings named; redirects are read and never followed by themselves, so
nothing that the portal answers leads it elsewhere. It keeps to a part of the limit of requests, for others share its
address.
"""

import json
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import requests

from app.selfcheck.findings import Unreached
from app.services.delivery.exchange import Deadline, NoAnswer, fetch

USER_AGENT = "MAX-Platform-Selfcheck"
SECONDS = 60.0
MOST_BYTES = 2 * 1024 * 1024
MOST_STEPS = 8
SHARE = 0.6
"""Of the limit of requests from one address: others may come from it too."""
UNCOUNTED = ("/.well-known/", "/api/oauth/token", "/api/oauth/userinfo", "/api/oauth/introspect")
TOO_MANY = HTTPStatus.TOO_MANY_REQUESTS
LONGEST_PAUSE = 65


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it was served: where it goes, and its fields."""

    action: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    url: str
    status: int
    headers: list[tuple[str, str]] = field(repr=False)
    text: str = field(repr=False)

    def get(self, name: str) -> str:
        """A header, its values joined as RFC 9110 section 5.3 says; ``""`` for none."""
        return ", ".join(self.all(name))

    def all(self, name: str) -> list[str]:
        """Each value of a header."""
        return [value for given, value in self.headers if given.lower() == name.lower()]

    @property
    def location(self) -> str:
        """Where a redirect leads, whole; ``""`` where it is none."""
        given = self.get("Location")
        return urljoin(self.url, given) if given and 300 <= self.status < 400 else ""

    @property
    def parameters(self) -> dict[str, str]:
        """What a redirect carries in its query or fragment."""
        parts = urlsplit(self.location)
        return dict(parse_qsl(parts.query) + parse_qsl(parts.fragment))

    @property
    def is_good(self) -> bool:
        """Whether the request was answered as asked."""
        return self.status == HTTPStatus.OK

    def json(self) -> dict[str, Any]:
        """The object that was answered, ``{}`` for anything else."""
        try:
            found = json.loads(self.text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def token_of_forms(self) -> dict[str, str]:
        """What protects the forms of the page; empty where nothing does."""
        reader = _Reader()
        reader.feed(self.text)
        return next(
            ({"csrf_token": each.fields["csrf_token"]} for each in reader.forms if "csrf_token" in each.fields), {}
        )

    def form(self, *names: str) -> Form:
        """The first form with all these fields; raises :class:`Unreached`."""
        reader = _Reader()
        reader.feed(self.text)
        for form in reader.forms:
            if set(names) <= set(form.fields):
                return Form(urljoin(self.url, form.action or self.url), form.fields)
        raise Unreached(f"{urlsplit(self.url).path}: {self.status}, <form>")


class Pace:
    """Keeps to ``most`` counted requests within ``seconds``, for all visitors of a run together."""

    def __init__(self, most: int | None, seconds: int) -> None:
        self._most, self._seconds = most, seconds
        self._asked: deque[float] = deque()

    def wait(self, path: str) -> None:
        """Wait until one more request is within the share."""
        if self._most is None or path.startswith(UNCOUNTED):
            return
        while len(self._asked) >= self._most:
            rest = self._asked[0] + self._seconds - time.monotonic()
            if rest > 0:
                time.sleep(rest)
            self._asked.popleft()
        self._asked.append(time.monotonic())


class Visitor:
    """One browser at ``address``, an origin; ``issuer`` is what the portal calls itself."""

    def __init__(self, address: str, issuer: str, pace: Pace, cookies: Mapping[str, str] | None = None) -> None:
        self.address, self.issuer, self.pace = address, issuer, pace
        self.cookies = dict(cookies or {})
        self.set_cookies: dict[str, str] = {}
        """The last ``Set-Cookie`` of each name that kept something."""

    def get(self, path: str, query: Mapping[str, str] | None = None, **headers: str) -> Reply:
        """Ask for a page, or for any address of the portal."""
        return self.ask("GET", path, query=query, headers=headers)

    def post(self, path: str, form: Mapping[str, str], **headers: str) -> Reply:
        """Send a form, as the portal's own pages do unless ``Origin`` says otherwise."""
        return self.ask(
            "POST", path, form=form, headers={"Origin": self.issuer, "Referer": f"{self.issuer}/", **headers}
        )

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        patience: int = 1,
    ) -> Reply:
        """One exchange. Raises :class:`NoAnswer`.

        Where the portal says that there were too many requests it waits as long as it is told, and asks once more;
        with a ``patience`` of 0 that is the answer.
        """
        url = self._at(path) + (f"?{urlencode(query)}" if query else "")
        sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Accept-Language": "en", **(headers or {})}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        request = requests.Request(method, url, data=dict(form) if form is not None else None, headers=sent).prepare()
        self.pace.wait(urlsplit(url).path)
        answer = fetch(request, deadline=Deadline(SECONDS), most_bytes=MOST_BYTES)
        reply = Reply(url, answer.status, answer.headers, answer.body.decode("utf-8", "replace"))
        self._keep(reply)
        if reply.status == TOO_MANY and patience:
            time.sleep(min(int(reply.get("Retry-After") or 1) + 1, LONGEST_PAUSE))
            return self.ask(method, path, query=query, form=form, headers=headers, patience=patience - 1)
        return reply

    def follow(self, reply: Reply) -> Reply:
        """Go where redirects lead for as long as that is the portal; the last answer."""
        for _ in range(MOST_STEPS):
            if not reply.location or not self.is_here(reply.location):
                return reply
            reply = self.get(reply.location)
        raise Unreached("redirects")

    def is_here(self, url: str) -> bool:
        """Whether an address is the portal's."""
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}" in {self.address, self.issuer}

    def _at(self, path: str) -> str:
        if path.startswith("/"):
            return f"{self.address}{path}"
        if not self.is_here(path):
            raise ValueError("not an address of the portal")
        parts = urlsplit(path)
        return f"{self.address}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")

    def _keep(self, reply: Reply) -> None:
        for header in reply.all("Set-Cookie"):
            pair, _, attributes = header.partition(";")
            name, _, value = pair.strip().partition("=")
            if not value or "max-age=0" in attributes.lower().replace(" ", ""):
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
                self.set_cookies[name] = header


class _Reader(HTMLParser):
    """Collects forms with the fields a browser would send."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._is_open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), {}))
            self._is_open = True
        elif self._is_open and tag == "input" and given.get("name"):
            is_box = given.get("type") in {"checkbox", "radio"}
            if not is_box or "checked" in given:
                self.forms[-1].fields[given["name"]] = given.get("value", "on" if is_box else "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_open = False


__all__ = ["Form", "NoAnswer", "Pace", "Reply", "Visitor"]
