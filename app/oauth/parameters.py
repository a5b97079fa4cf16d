"""Reading protocol parameters: where they may stand, each once, empty means absent (:rfc:`6749#section-3.1`)."""

from collections.abc import Iterable
from typing import Any, Protocol
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from flask import Request
from werkzeug.datastructures import MultiDict

FORM = "application/x-www-form-urlencoded"
REPEATABLE = frozenset({"resource", "audience"})
LONGEST_VALUE = 8192
MOST_PARAMETERS = 100


class RepeatedParameter(InvalidRequestError):
    """A parameter came more than once; ``name`` tells which."""

    def __init__(self, name: str) -> None:
        super().__init__("A parameter is repeated")
        self.name = name


def read(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The parameters of a query or form, each once; of a repeatable one the first value.

    Raises :class:`RepeatedParameter` or ``InvalidRequestError`` for a value that no client can mean: undecodable
    bytes, NUL, or more than :data:`LONGEST_VALUE` characters.
    """
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name in parameters:
            if name not in REPEATABLE:
                raise RepeatedParameter(name)
            continue
        if len(value) > LONGEST_VALUE:
            raise InvalidRequestError("A parameter is too long")
        if "\x00" in value or "\ufffd" in value:
            raise InvalidRequestError("A parameter is not properly encoded UTF-8 text")
        parameters[name] = value
    return {name: value for name, value in parameters.items() if value}


def front_channel_values(request: Request) -> "MultiDict[str, str]":
    """What a browser brings in a query or a form; bytes that are no UTF-8 become U+FFFD, which :func:`read` refuses.

    Werkzeug would keep them percent-encoded, so that a client got another value back than it sent.
    """
    given = request.get_data() if request.method == "POST" else request.query_string
    return MultiDict(parse_qsl(given.decode("utf-8", "replace"), keep_blank_values=True))


class HttpRequest(Protocol):
    """What the back channel reads of an HTTP request."""

    method: str

    @property
    def mimetype(self) -> str:
        """The media type of the body, in lower case and without parameters."""
        ...

    @property
    def content_length(self) -> int | None:
        """Bytes of the body, if they were announced."""
        ...

    @property
    def headers(self) -> Any:
        """The headers, read by name in any case."""
        ...

    def get_data(self, cache: bool = True) -> bytes:
        """The body."""
        ...


class BackChannelRequest(OAuth2Request):
    """A form-encoded POST as Authlib sees it; query parameters do not count (:rfc:`6749#section-3.2`)."""

    def __init__(self, request: HttpRequest, parameters: dict[str, str]) -> None:
        # Not calling the parent: it demands https of the address, which ends at the proxy in front of us, and which
        # nothing else that we take from Authlib reads.
        self.method = request.method
        self.headers = request.headers
        self.parameters = parameters
        self.payload = BasicOAuth2Payload(parameters)
        self.client = self.user = self.auth_method = None
        self.authorization_code = self.refresh_token = self.credential = None
        self._scope = self._body = None
        self.claimed_id = ""  # the client as which the sender tried to authenticate
        self.proven_id = ""  # the one whose secret or key it had, also where it is refused

    @property
    def args(self) -> dict[str, str]:
        """Nothing is read from the query."""
        return {}

    @property
    def form(self) -> dict[str, str]:
        """The parameters of the body."""
        return self.parameters


def back_channel_request(request: HttpRequest) -> BackChannelRequest:
    """The request of a client; raises ``InvalidRequestError`` unless its body is form encoded."""
    is_sent = request.content_length or request.mimetype or "Transfer-Encoding" in request.headers
    if request.mimetype != FORM and is_sent:
        raise InvalidRequestError("The body must be application/x-www-form-urlencoded")
    # Parsed here: Werkzeug's parser is made for uploads as well, and takes longer than the rest of reading a request.
    body = request.get_data(cache=False).decode("utf-8", "replace")
    try:
        pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise InvalidRequestError("There are too many parameters") from None
    return BackChannelRequest(request, read(pairs))
