"""Logs: one line per event, JSON in production, readable in development, with the request's id and without secrets.

An event is a constant name, its facts are fields: ``logger.info("login_failed", extra={"client_id": client_id})``.
Everything goes to standard error, so that what a command prints on standard output stays its result.

What reaches a line is made harmless here rather than by each caller: control characters are escaped (no forged lines,
no terminal sequences), query strings are cut off (they carry codes, states and hints), and whatever looks like a
credential is replaced. Callers still must not log secrets; this is the net below them.
"""

import json
import logging
import os
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

from flask import Flask, Response, g, has_app_context, request
from pythonjsonlogger.core import RESERVED_ATTRS, LogData
from pythonjsonlogger.json import JsonFormatter

from app.settings import Settings

HEADER = "X-Request-ID"
ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
REDACTED = "[redacted]"
LONGEST_VALUE = 2000

SECRET_FIELDS = frozenset(
    {
        "password",
        "new_password",
        "current_password",
        "secret",
        "client_secret",
        "token",
        "access_token",
        "refresh_token",
        "id_token",
        "authorization_code",
        "code_verifier",
        "assertion",
        "client_assertion",
        "authorization",
        "cookie",
        "cookies",
    }
)
CREDENTIALS = re.compile(
    r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*"  # a JWT
    r"|(?<=Bearer )[\w.~+/=-]{8,}"
    r"|(?<=Basic )[\w+/=-]{8,}"
    r"|(?<=:)[^\s:/@]+(?=@[\w.-]+[:/])"  # the password of a URL
)
QUERY = re.compile(r"(?<=[\w/])\?[\w.~%-]+=[^\s\"'<>]*")

# Below these levels they print statements with their parameters, and whole tokens.
QUIET_LOGGERS = {
    "authlib": logging.INFO,
    "sqlalchemy": logging.WARNING,
    "alembic": logging.WARNING,
    "opentelemetry": logging.ERROR,  # it warns of each attempt to send
}


def configure(app: Flask, settings: Settings) -> None:
    """Set up logging for this process and give every request of ``app`` an id.

    The id is ``g.request_id`` and the response's ``X-Request-ID``. One that arrives with the request is kept only
    behind trusted proxies, which are expected to set it, and only if it is plain.
    """
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler, StandardError)]:
        root.removeHandler(old)
    handler = StandardError()
    handler.setFormatter(formatter(settings))
    root.addHandler(handler)
    root.setLevel(settings.server.log_level)
    for name, level in QUIET_LOGGERS.items():
        logging.getLogger(name).setLevel(level)
    is_behind_proxy = settings.server.trusted_proxies > 0

    @app.before_request
    def assign_request_id() -> None:
        g.request_id = request_id(request.headers.get(HEADER, ""), is_trusted=is_behind_proxy)

    @app.after_request
    def show_request_id(response: Response) -> Response:
        if known := g.get("request_id"):
            response.headers.add(HEADER, known)
        return response


def request_id(sent: str, *, is_trusted: bool) -> str:
    """The id of a request: the one it was ``sent`` with by a trusted proxy, if that is plain, or a new one."""
    return sent if is_trusted and ACCEPTABLE_ID.fullmatch(sent) else os.urandom(16).hex()


def formatter(settings: Settings) -> logging.Formatter:
    """JSON lines in production, plain lines elsewhere."""
    return JsonLines() if settings.is_production else TextLines()


class StandardError(logging.StreamHandler[TextIO]):
    """Writes to what standard error is at the moment, not to what it was when logging was set up."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


class JsonLines(JsonFormatter):
    """``{"time", "level", "logger", "event", "request_id", …fields, "exc_info"}``, one object per line, ASCII."""

    def __init__(self) -> None:
        renamed = {"levelname": "level", "name": "logger", "message": "event"}
        super().__init__(["levelname", "name", "message"], rename_fields=renamed)

    def process_log_record(self, log_data: LogData) -> LogData:
        line: LogData = {"time": datetime.now(UTC).isoformat(timespec="milliseconds")}
        line.update({name: harmless(name, value) for name, value in log_data.items()})
        if known := current_request_id():
            line.setdefault("request_id", known)
        return line


class TextLines(logging.Formatter):
    """``12:30:01 WARNING app.stores event field=value``, then a traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {name: value for name, value in vars(record).items() if name not in RESERVED_ATTRS}
        if known := current_request_id():
            fields.setdefault("request_id", known)
        words = [self.formatTime(record, "%H:%M:%S"), f"{record.levelname:7}", record.name]
        words.append(str(harmless("", record.getMessage())))
        words += [f"{name}={harmless(name, value)}" for name, value in fields.items()]
        line = escaped(" ".join(words))
        if record.exc_info:
            trace = str(harmless("", self.formatException(record.exc_info)))
            line = "\n".join([line, *(escaped(part) for part in trace.split("\n"))])
        return line


class AccessLines:
    """One line per answered request, in the same two forms, past the steps a rarer event can afford.

    Lines of answers that go out at the same time are written together: threads that write one each wait for each other.
    """

    def __init__(self, *, is_json: bool) -> None:
        self._line = self._as_json if is_json else self._as_text
        self._waiting: deque[str] = deque()
        self._writing = threading.Lock()

    def add(
        self, environ: dict[str, Any], status: int, headers: Iterable[tuple[str, str]], sent: int, milliseconds: float
    ) -> None:
        """Make the line of an answer with these ``headers``."""
        length, request_id = sent, ""
        for name, value in headers:
            # A file goes from the disk to the socket past gunicorn's own count.
            if name == "Content-Length":
                length = int(value)
            elif name == HEADER:
                request_id = value
        fields = {
            "method": remembered(environ["REQUEST_METHOD"]),
            "path": remembered(environ["PATH_INFO"]),
            "status": status,
            "bytes": length,
            "milliseconds": round(milliseconds, 1),
            "ip": remembered(environ.get("REMOTE_ADDR", "")),
            "user_agent": remembered(environ.get("HTTP_USER_AGENT", "")[:200]),
            "request_id": request_id,
        }
        self._waiting.append(self._line(fields))

    def flush(self) -> None:
        """Write what was added so far, unless another thread does; a stream that is gone or full stops no answer."""
        if self._waiting and self._writing.acquire(blocking=False):
            try:
                lines = "".join(self._waiting.popleft() for _ in range(len(self._waiting)))
                with suppress(OSError, ValueError):
                    sys.stderr.write(lines)
                    sys.stderr.flush()
            finally:
                self._writing.release()

    @staticmethod
    def _as_json(fields: dict[str, Any]) -> str:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        head = {"time": now, "level": "INFO", "logger": "gunicorn.access", "event": "request"}
        return json.dumps(head | fields) + "\n"

    @staticmethod
    def _as_text(fields: dict[str, Any]) -> str:
        words = " ".join(f"{name}={value}" for name, value in fields.items())
        return escaped(f"{time.strftime('%H:%M:%S')} INFO    gunicorn.access request {words}") + "\n"


@lru_cache(maxsize=512)
def remembered(text: str) -> str:
    """``text`` made harmless; what comes again and again is looked through once."""
    return str(harmless("", text))


def current_request_id() -> str | None:
    """The id of the request being answered, if one is."""
    return g.get("request_id") if has_app_context() else None


def harmless(name: str, value: Any) -> Any:
    """A field as it may be logged: secrets replaced, query strings cut off, length bounded. Numbers stay numbers."""
    if name.lower() in SECRET_FIELDS:
        return REDACTED
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {str(key): harmless(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [harmless("", item) for item in value]
    text = QUERY.sub("?…", CREDENTIALS.sub(REDACTED, str(value)))
    # A traceback is worth its length; anything else that long was sent to fill the disk.
    limit = LONGEST_VALUE if name not in {"", "exc_info", "stack_info"} else 20 * LONGEST_VALUE
    return text if len(text) <= limit else f"{text[:limit]}…"


def escaped(text: str) -> str:
    """The text on one line: every control, format and separator character but the space written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
