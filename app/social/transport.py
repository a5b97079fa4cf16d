"""What Authlib asks providers with: all exchanges of one arrival share one deadline, and no answer is without bounds.

Authlib's clients are sessions of ``requests``. A :class:`BoundedSession` is one whose every exchange goes through
:class:`BoundedAdapter`: no redirect is followed, no proxy asked, no certificate let pass, no cookie kept. Give the
database's connection back before asking anybody: an answer may take as long as the deadline lets it.
"""

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session
from flask import current_app, has_app_context
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers

from app.server.tracing import switch
from app.services.delivery.exchange import Deadline, NoAnswer, WholeAnswer, fetch
from app.settings import is_loopback

SECONDS = 5.0
"""For everything a provider is asked on one occasion."""
MOST_BYTES = 256 * 1024
"""Of the body of one answer."""
USER_AGENT = "MAX-Platform-Portal"
OURS = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
REASONS = {
    "Timeout": "timeout",
    "ConnectionError": "connection",
    "SSLError": "tls",
    "BadAnswer": "bad_answer",
    "TooLarge": "too_large",
}
_deadline: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


class ProviderUnavailable(requests.RequestException):
    """A provider gave no whole answer in time.

    ``reason`` is ``timeout``, ``connection``, ``tls``, ``bad_answer`` or ``too_large``. Nothing of the request is kept.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@contextmanager
def within(seconds: float = SECONDS) -> Iterator[Deadline]:
    """Have all that is asked of providers inside this block share so many seconds."""
    token = _deadline.set(deadline := Deadline(seconds))
    try:
        yield deadline
    finally:
        _deadline.reset(token)


class BoundedAdapter(BaseAdapter):
    """Makes the exchanges of a session, all of them before its deadline.

    Each answers with its whole body, or raises :class:`ProviderUnavailable`. What a session would have it do
    (time-outs, proxies, certificates that need not be verified) is not heard.
    """

    def __init__(self, deadline: Deadline, most_bytes: int = MOST_BYTES) -> None:
        super().__init__()
        self._deadline = deadline
        self._most_bytes = most_bytes

    def send(self, request: requests.PreparedRequest, *_: object, **__: object) -> requests.Response:
        """Make one exchange."""
        if not is_safe(request.url or ""):
            raise ProviderUnavailable("connection")
        asked = request.copy()
        asked.headers.update(OURS)
        try:
            with _traced(urlsplit(asked.url or "").hostname or ""):
                answer = fetch(asked, deadline=self._deadline, most_bytes=self._most_bytes)
        except NoAnswer as error:
            raise ProviderUnavailable(REASONS[error.kind]) from None
        return response_of(request, answer)

    def close(self) -> None:
        """Nothing is kept open."""


class BoundedSession(OAuth2Session):
    """Authlib's session, bounded by the deadline of the block it is made in (:func:`within`), or by its own."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        adapter = BoundedAdapter(_deadline.get() or Deadline(SECONDS))
        self.adapters = {"https://": adapter, "http://": adapter}
        # Neither proxies nor passwords (.netrc) are taken from where the portal happens to run.
        self.trust_env = False

    def request(self, *arguments: Any, **named: Any) -> requests.Response:
        """Ask; what a provider has named is perhaps no address that can be asked."""
        try:
            return cast(requests.Response, super().request(*arguments, **named))
        except ProviderUnavailable:
            raise
        except requests.RequestException:
            raise ProviderUnavailable("bad_answer") from None

    def get_redirect_target(self, resp: requests.Response) -> None:
        """A redirect is an answer like another: who is sent elsewhere by a provider would ask inner addresses."""
        return


def is_safe(url: str) -> bool:
    """Whether nobody on the way can read or change what is said there."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def response_of(request: requests.PreparedRequest, answer: WholeAnswer) -> requests.Response:
    """An answer in the form in which ``requests`` gives it; its cookies are left out."""
    response = requests.Response()
    response.status_code, response.reason = answer.status, answer.phrase
    response.headers = CaseInsensitiveDict(answer.headers)
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ProviderUnavailable("bad_answer")
    response.encoding = get_encoding_from_headers(response.headers)
    response.url = request.url or ""
    response.request = request
    response.raw = io.BytesIO(answer.body)
    response._content, response._content_consumed = answer.body, True  # type: ignore[attr-defined]
    return response


def _traced(host: str) -> AbstractContextManager[None]:
    """A span about the exchange, where it is for a request of an application."""
    return (
        switch.exchange(current_app, "ask provider", **{"server.address": host}) if has_app_context() else nullcontext()
    )
