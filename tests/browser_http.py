"""A browser without script: keeps cookies, follows redirects one at a time, fills in forms by their field names."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

MOST_REDIRECTS = 12


@dataclass
class Form:
    """One form as it was served: its fields with their values, and its submit buttons as (name, value)."""

    action: str
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Document:
    """What one navigation led to.

    ``status`` is 0 and ``text`` empty where it left the portal (or came to ``stop_at``): ``url`` then says where to.
    """

    url: str
    status: int = 0
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    forms: list[Form] = field(default_factory=list)
    links: list[str] = field(default_factory=list)

    def form(self, *names: str) -> Form:
        """The first form that has fields or buttons of all these names."""
        for form in self.forms:
            if set(names) <= {*form.fields, *(name for name, _ in form.buttons)}:
                return form
        raise AssertionError(f"No form with {names} at {self.url}: {self.forms}\n{self.text[:2000]}")


class HttpBrowser:
    """One person's browser. It stays within ``origin``; ``steps`` records every (status, address) on the way."""

    def __init__(self, origin: str, stop_at: str = "", language: str = "en") -> None:
        """``stop_at``: an address (a client's redirect URI) that is not fetched even if it is on the portal."""
        self.origin = origin
        self.stop_at = stop_at
        self.steps: list[tuple[int, str]] = []
        self._session = requests.Session()
        self._session.headers.update({"Accept": "text/html", "Accept-Language": language})

    def open(self, address: str) -> Document:
        """Go to an address or path of the portal."""
        return self._navigate("GET", urljoin(self.origin, address))

    def submit(self, document: Document, form: Form, button: tuple[str, str] | None = None, **fields: str) -> Document:
        """Send a form of ``document`` with some of its fields changed; by its first button unless one is named."""
        unknown = set(fields) - set(form.fields)
        assert not unknown, f"The form has no field {unknown}: {form}"
        pressed = button or (form.buttons[0] if form.buttons else ("", ""))
        assert button is None or button in form.buttons, f"The form has no button {button}: {form}"
        data = {**form.fields, **fields, **({pressed[0]: pressed[1]} if pressed[0] else {})}
        return self._navigate(form.method.upper(), urljoin(document.url, form.action), data)

    def log_in(self, document: Document, email: str, password: str) -> Document:
        """Fill in the login page."""
        return self.submit(document, document.form("email", "password"), email=email, password=password)

    def decide(self, document: Document, decision: str = "allow") -> Document:
        """Answer the consent page."""
        return self.submit(document, document.form("decision"), ("decision", decision))

    def close(self) -> None:
        """Forget everything."""
        self._session.close()

    def _navigate(self, method: str, url: str, data: dict[str, str] | None = None) -> Document:
        for _ in range(MOST_REDIRECTS):
            if not self._is_ours(url):
                self.steps.append((0, url))
                return Document(url)
            sent = {"params": data} if method == "GET" else {"data": data, "headers": {"Origin": self.origin}}
            response = self._session.request(method, url, allow_redirects=False, timeout=20, **sent)
            self.steps.append((response.status_code, url))
            if not response.is_redirect:
                return _read(response)
            url, data = urljoin(url, response.headers["Location"]), None
            # RFC 9110 section 15.4: 307 and 308 repeat the method, which no page of ours should ask for.
            assert response.status_code in {301, 302, 303}, f"{response.status_code} to {url}"
            method = "GET"
        raise AssertionError(f"Too many redirects: {self.steps[-MOST_REDIRECTS:]}")

    def _is_ours(self, url: str) -> bool:
        is_stop = bool(self.stop_at) and (
            url == self.stop_at or url.startswith((f"{self.stop_at}?", f"{self.stop_at}#"))
        )
        return url.startswith(f"{self.origin}/") and not is_stop


class _Reader(HTMLParser):
    """Collects forms and links."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._url = url
        self._open: Form | None = None
        self._select = ""
        self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action") or self._url, given.get("method", "get").lower())
            self.forms.append(self._open)
        elif tag == "a" and "href" in given:
            self.links.append(urljoin(self._url, given["href"]))
        elif self._open and "disabled" not in given:
            self._read_control(tag, given, self._open)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "textarea":
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._open and self._textarea:
            self._open.fields[self._textarea] += data

    def _read_control(self, tag: str, given: dict[str, str], form: Form) -> None:
        name, kind = given.get("name", ""), given.get("type", "")
        if (tag == "button" and kind in {"", "submit"}) or (tag == "input" and kind == "submit"):
            form.buttons.append((name, given.get("value", "")))
        elif tag == "input" and kind in {"checkbox", "radio"}:
            # An unchecked box is not sent; a test that wants it sent checks it by giving its value.
            if "checked" in given:
                form.fields[name] = given.get("value", "on")
        elif tag == "input" and name:
            form.fields[name] = given.get("value", "")
        elif tag == "textarea" and name:
            self._textarea, form.fields[name] = name, ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in given or self._select not in form.fields):
            form.fields[self._select] = given.get("value", "")


def _read(response: requests.Response) -> Document:
    reader = _Reader(response.url)
    if "html" in response.headers.get("Content-Type", ""):
        reader.feed(response.text)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Document(response.url, response.status_code, response.text, headers, reader.forms, reader.links)
