"""A browser without script, as far as choosing somebody on a provider's page needs one."""

import http.client
from urllib.parse import urlencode, urlsplit

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
SECONDS = 30


class NotSentBack(Exception):
    """The provider keeps people on a page of its own instead: ``status`` and ``text`` of that."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status
        self.text = text


def visit(url: str, fields: dict[str, str]) -> str:
    """Open the page and, where it asks, answer its form; answers where that leads.

    :raises NotSentBack: if it leads nowhere.
    """
    headers = {"User-Agent": fields.pop("user_agent", BROWSER), "Accept": "text/html"}
    status, location, text = fetch("GET", url, headers)
    if status == 200:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        status, location, text = fetch("POST", url, headers, urlencode(fields))
    if status not in {302, 303} or not location:
        raise NotSentBack(status, text)
    return location


def fetch(method: str, url: str, headers: dict[str, str], body: str | None = None) -> tuple[int, str, str]:
    """Status, ``Location`` and text of one answer; no redirect is followed."""
    parts = urlsplit(url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.netloc, timeout=SECONDS)
    try:
        connection.request(method, f"{parts.path or '/'}?{parts.query}".rstrip("?"), body, headers)
        response = connection.getresponse()
        return response.status, response.headers["Location"] or "", response.read().decode()
    finally:
        connection.close()
