"""Spans: one for each request, below it one for each of its statements and exchanges. Loaded only where traces are on.

They are put together by the SDK and sent in the background, once in some seconds, as OTLP over HTTP. A trace is begun
here, unless a trusted proxy (``TRUSTED_PROXIES``) began it: what anybody else says in ``traceparent`` is not heard, not
even as a link, or strangers could add to other people's traces and have everything sampled. ``tracestate`` and baggage
are heard from nobody, and no provider is told of a trace.
"""

import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
import sqlalchemy as sa
from flask import Flask
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from app.server import logs
from app.server.metrics.layers import METHODS, WsgiApp, route_of, static_routes
from app.server.tracing import harmless
from app.services.delivery.outbox import DeliveryFailed
from app.settings import Settings

SERVICE = "max-portal"
EXPORT_SECONDS = 5.0
TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
"""Version 00 of W3C Trace Context section 3.2."""
NOBODYS = Context()
"""A context without a span: what begins in it is a trace of its own."""


class Spans:
    """Makes and sends the spans of one application."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.observation
        self._making = threading.Lock()
        self._provider: TracerProvider | None = None

    @property
    def tracer(self) -> trace.Tracer:
        """Made in the process that uses it: the thread that sends does not survive a fork."""
        with self._making:
            if self._provider is None:
                self._provider = self._made()
            return self._provider.get_tracer("portal")

    @contextmanager
    def exchange(self, name: str, **attributes: str) -> Iterator[None]:
        """A span about an exchange with somebody outside, while the block runs."""
        with self.begun(name, SpanKind.CLIENT, attributes) as span:
            try:
                yield
            except Exception as error:
                # What it says may have come from outside; its class, or the constant it stands for, has not.
                reason = error.reason if isinstance(error, DeliveryFailed) else type(error).__name__
                fail(span, str(reason))
                raise

    @contextmanager
    def begun(
        self, name: str, kind: SpanKind, attributes: Mapping[str, harmless.Value], parent: Context | None = None
    ) -> Iterator[Span]:
        """A span that is the current one while the block runs; nothing is noted of what the block raises."""
        with self.tracer.start_as_current_span(
            name,
            parent,
            kind,
            harmless.attributes(attributes),
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield span

    def stop(self) -> None:
        """Send what was not sent yet."""
        if self._provider is not None:
            self._provider.shutdown()

    def _made(self) -> TracerProvider:
        session = requests.Session()
        # Neither proxies nor passwords (.netrc) are taken from where the portal happens to run.
        session.trust_env = False
        endpoint = f"{self._settings.traces_endpoint}/v1/traces"
        headers = dict(self._settings.traces_headers)
        exporter = OTLPSpanExporter(endpoint, headers=headers, timeout=EXPORT_SECONDS, session=session)
        sampler = ParentBased(TraceIdRatioBased(self._settings.traces_percent / 100))
        provider = TracerProvider(sampler, Resource({"service.name": SERVICE}), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        return provider


class Traced:
    """The WSGI layer that makes a span of each request."""

    def __init__(self, application: WsgiApp, spans: Spans, routes: Iterable[str], *, trusts_parents: bool) -> None:
        self._application = application
        self._spans = spans
        self._routes = frozenset(routes)
        self._trusts_parents = trusts_parents

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Let the application answer, and note how."""
        method, path, status, request_id = environ["REQUEST_METHOD"], environ["PATH_INFO"], "500", ""

        def started(line: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            nonlocal status, request_id
            status = line[:3]
            request_id = next((value for name, value in headers if name == logs.HEADER), "")
            return start_response(line, headers, *more)

        parent = parent_of(environ.get("HTTP_TRACEPARENT", "")) if self._trusts_parents else None
        method = method if method in METHODS else "other"
        asked: dict[str, harmless.Value] = {"http.request.method": method}
        with self._spans.begun(method, SpanKind.SERVER, asked, parent or NOBODYS) as span:
            try:
                return self._application(environ, started)
            finally:
                route = route_of(environ, path, self._routes)
                span.update_name(f"{method} {route}")
                known: dict[str, harmless.Value] = {"http.route": route, "http.response.status_code": int(status)}
                span.set_attributes(harmless.attributes({**known, "portal.request_id": request_id}))
                if status >= "500":
                    fail(span, status)


class Told:
    """A driver's connection, or what stands for it, each of whose plain statements has a span."""

    def __init__(self, spoken: Any, spans: Spans, system: str) -> None:
        self._spoken = spoken
        self._spans = spans
        self._system = system

    def execute(self, statement: str, *values: Any) -> Any:
        """Run it."""
        if not trace.get_current_span().is_recording():
            return self._spoken.execute(statement, *values)
        with self._spans.begun(*about(statement, self._system)) as span:
            try:
                return self._spoken.execute(statement, *values)
            except Exception as error:
                fail(span, type(error).__name__)
                raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._spoken, name)


def configure(app: Flask, settings: Settings) -> Spans:
    """Put the layer in front of ``app``, and look at its statements."""
    spans = Spans(settings)
    trusts = settings.server.trusted_proxies > 0
    layer = Traced(app.wsgi_app, spans, static_routes(app), trusts_parents=trusts)
    app.wsgi_app = layer  # type: ignore[method-assign]
    _look_at_statements(app.extensions["database_engine"], spans)
    return spans


def parent_of(header: str) -> Context | None:
    """The span that a proxy says a request is part of; None for anything that is not exactly one."""
    if (found := TRACEPARENT.fullmatch(header)) is None:
        return None
    flags = TraceFlags(int(found[3], 16) & TraceFlags.SAMPLED)
    of_proxy = SpanContext(int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=flags)
    return trace.set_span_in_context(NonRecordingSpan(of_proxy), NOBODYS)


def about(statement: str, system: str) -> tuple[str, SpanKind, dict[str, harmless.Value]]:
    """What a statement's span is called, its kind, and what it says."""
    word = statement.lstrip()[:12].partition(" ")[0]
    name = word.upper() if word.isalpha() else "SQL"
    return name, SpanKind.CLIENT, {"db.system.name": system, "db.query.text": statement}


def fail(span: Span, reason: str) -> None:
    """Say that it failed, and by what constant."""
    span.set_status(Status(StatusCode.ERROR))
    span.set_attributes(harmless.attributes({"error.type": reason}))


def _look_at_statements(engine: sa.Engine, spans: Spans) -> None:
    """Have plain statements tell of themselves, and SQLAlchemy of its own."""
    system = engine.dialect.name

    @sa.event.listens_for(engine, "connect")
    def tell_of_plain_statements(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        entry.info["statements"] = Told(entry.info.get("statements") or connection, spans, system)

    @sa.event.listens_for(engine, "before_cursor_execute")
    def note_time(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        context._traced_since = time.time_ns()

    @sa.event.listens_for(engine, "after_cursor_execute")
    def tell_of_it(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        _tell(spans, statement, system, context)

    @sa.event.listens_for(engine, "handle_error")
    def tell_of_its_failure(failure: sa.engine.ExceptionContext) -> None:
        reason = type(failure.original_exception).__name__
        _tell(spans, failure.statement or "", system, failure.execution_context, reason)


def _tell(spans: Spans, statement: str, system: str, context: Any, reason: str = "") -> None:
    """Make the span of a statement that is over."""
    since = getattr(context, "_traced_since", None)
    if since is None or not trace.get_current_span().is_recording():
        return
    name, kind, attributes = about(statement, system)
    span = spans.tracer.start_span(name, None, kind, harmless.attributes(attributes), start_time=since)
    if reason:
        fail(span, reason)
    span.end()
