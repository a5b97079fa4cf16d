"""Traces say how requests went and what they waited for, and nothing that anybody sent, is called or holds."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from flask import Flask

from app.server.tracing import harmless, switch
from app.services.delivery.exchange import Deadline
from app.services.delivery.outbox import DeliveryFailed
from app.settings import ConfigurationError, Settings
from app.social.transport import BoundedAdapter
from tests.databases import SqliteDatabases
from tests.portal import WarmPortal
from tests.relying_party import EMAIL, NAME, PASSWORD, VERIFIER, RelyingParty, add_client, add_person, log_in
from tests.server.tracing.collector import ERROR, Collector, attributes, collecting
from tests.servers import free_port

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Where traces go."""
    with collecting() as running:
        yield running


@pytest.fixture
def make(make_app: Callable[..., Flask], collector: Collector) -> Callable[..., Flask]:
    """Makes a portal with traces."""

    def make(url: str = "", **environ: str) -> Flask:
        return make_app(url, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **environ)

    return make


def login(app: Flask) -> tuple[RelyingParty, dict[str, str], str]:
    """Log a person in and give a client its tokens; the id of that request comes last."""
    add_person(app)
    secret = add_client(app, "web", is_confidential=True)
    browser = app.test_client()
    assert log_in(browser).status_code == 303
    web = RelyingParty(browser, "web", secret)
    code = web.code()
    answer = web.redeem(code)
    return web, {**answer.json, "code": code}, answer.headers["X-Request-ID"]


def test_a_request_is_a_span_and_its_statements_are_below(
    make: Callable[..., Flask], collector: Collector, database_url: str
) -> None:
    app = make(database_url)
    _, _, request_id = login(app)
    switch.stop(app)
    assert set(collector.paths) == {"/v1/traces"}
    span = collector.one("POST /api/oauth/token")
    assert attributes(span) == {
        "http.request.method": "POST",
        "http.route": "/api/oauth/token",
        "http.response.status_code": 200,
        "portal.request_id": request_id,
    }
    assert span.parent_span_id == b""
    statements = collector.below(span)
    assert {each.trace_id for each in statements} == {span.trace_id}
    system = "postgresql" if database_url.startswith("postgresql") else "sqlite"
    told = [attributes(each) for each in statements]
    assert {each["db.system.name"] for each in told} == {system}
    assert any("authorization_codes" in str(each["db.query.text"]) for each in told)
    # What SQLAlchemy runs is told as well as what goes to the driver.
    page = collector.one("POST /login")
    assert any(each.name == "UPDATE" and "users" in str(attributes(each)) for each in collector.below(page))


def test_nothing_that_was_sent_or_made_is_in_a_span(make: Callable[..., Flask], collector: Collector) -> None:
    app = make()
    web, tokens, _ = login(app)
    web.userinfo(tokens["access_token"])
    again = web.refresh(tokens["refresh_token"]).json
    web.browser.get("/reset-password?token=a-secret-of-a-mail&email=ada@example.com")
    web.browser.get("/somewhere/ada@example.com/a-secret-path")
    web.token(grant_type="authorization_code", code="a-code-that-is-none", code_verifier=VERIFIER)
    log_in(app.test_client(), password="a-wrong-password")
    with app.app_context():
        user_id = app.extensions["services"].accounts.find(EMAIL).id
    switch.stop(app)
    sent = b"".join(collector.bodies)
    assert sent.count(b"http.route") > 10
    secrets = [EMAIL, NAME, PASSWORD, VERIFIER, web.secret, user_id, tokens["code"], tokens["id_token"]]
    secrets += [each["access_token"] for each in (tokens, again)] + [each["refresh_token"] for each in (tokens, again)]
    secrets += [
        "a-secret-of-a-mail",
        "a-secret-path",
        "a-code-that-is-none",
        "a-wrong-password",
        "the-state",
        "the-nonce",
    ]
    secrets += ["127.0.0.1", "client.example.com", app.config["SECRET_KEY"]]
    assert [each for each in secrets if str(each).encode() in sent] == []


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"http.route": "/login?token=secret"}, {"http.route": "/login"}),
        ({"server.address": "ada@example.com"}, {"server.address": "[redacted]"}),
        ({"error.type": f"eyJhbGciOi.{'a' * 20}.bbb"}, {"error.type": "[redacted]"}),
        ({"error.type": "k" * 43}, {"error.type": "[redacted]"}),
        ({"http.response.status_code": 200}, {"http.response.status_code": 200}),
        ({"user.email": "ada", "url.full": "/", "http.request.header.cookie": "a"}, {}),
        (
            {"db.query.text": "SELECT 1 WHERE a = 'it''s secret' AND b = ?"},
            {"db.query.text": "SELECT 1 WHERE a = ? AND b = ?"},
        ),
    ],
)
def test_what_looks_like_a_secret_does_not_leave(given: dict[str, str], shown: dict[str, str]) -> None:
    assert harmless.attributes(given) == shown


def test_a_stranger_begins_no_trace(make: Callable[..., Flask], collector: Collector) -> None:
    app = make()
    app.test_client().get("/health", headers={"traceparent": TRACEPARENT, "tracestate": "a=b"})
    switch.stop(app)
    span = collector.one("GET /health")
    assert (span.trace_id.hex() != TRACE, span.parent_span_id, list(span.links)) == (True, b"", [])
    assert span.trace_state == ""


def test_a_trusted_proxy_does(make: Callable[..., Flask], collector: Collector) -> None:
    app = make(TRUSTED_PROXIES="1", TRACES_PERCENT="0")
    app.test_client().get("/health", headers={"traceparent": TRACEPARENT, "tracestate": "a=b"})
    app.test_client().get("/health", headers={"traceparent": TRACEPARENT.removesuffix("1") + "0"})
    app.test_client().get("/health")
    switch.stop(app)
    span = collector.one("GET /health")
    assert (span.trace_id.hex(), span.parent_span_id.hex(), span.trace_state) == (TRACE, PARENT, "")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{PARENT}-01",
        f"{TRACEPARENT},{TRACEPARENT}",
        f"{TRACEPARENT}\n",
        TRACEPARENT.upper(),
        TRACEPARENT.replace("b", "\uff10"),
    ],
)
def test_what_is_no_parent_is_none(header: str) -> None:
    from app.server.tracing.spans import parent_of  # noqa: PLC0415

    assert parent_of(header) is None
    assert parent_of(TRACEPARENT) is not None


def test_a_failure_is_told_by_its_constant(make: Callable[..., Flask], collector: Collector) -> None:
    app = make()
    with pytest.raises(DeliveryFailed), switch.exchange(app, "deliver mail", **{"portal.delivery.kind": "mail"}):
        raise DeliveryFailed("refused")
    with pytest.raises(ValueError, match="ada"), switch.exchange(app, "ask provider"):
        raise ValueError(EMAIL)
    switch.stop(app)
    first, second = collector.one("deliver mail"), collector.one("ask provider")
    assert attributes(first) == {"portal.delivery.kind": "mail", "error.type": "refused"}
    assert attributes(second) == {"error.type": "ValueError"}
    assert {each.status.code for each in (first, second)} == {ERROR}
    assert [list(each.events) for each in (first, second)] == [[], []]


def test_what_a_provider_is_asked_is_a_span_of_its_host(make: Callable[..., Flask], collector: Collector) -> None:
    app = make(OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20of-the-collector")
    with app.app_context(), collecting() as provider:
        asked = requests.Request("POST", f"{provider.url}/token?code=secret", data={"code": "secret"}).prepare()
        assert BoundedAdapter(Deadline(60)).send(asked).status_code == 200
        assert "traceparent" not in provider.headers[0]
    switch.stop(app)
    assert attributes(collector.one("ask provider")) == {"server.address": "127.0.0.1"}
    assert collector.headers[0]["authorization"] == "Bearer of-the-collector"


def test_a_collector_that_is_away_holds_up_nobody(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("app.server.tracing.spans.EXPORT_SECONDS", 0.2)
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}"}
    app = make_app(**away, OTEL_EXPORTER_OTLP_HEADERS="authorization=a-secret-of-the-collector")
    assert app.test_client().get("/health").status_code == 200
    switch.stop(app)
    assert app.test_client().get("/health").status_code == 200
    assert "Failed to export spans" in caplog.text
    assert "a-secret" not in caplog.text


def test_workers_send_what_they_have_before_they_end(
    sqlite_databases: SqliteDatabases, tmp_path: Path, collector: Collector
) -> None:
    instance = tmp_path / "instance"
    with sqlite_databases.fresh(instance, "seeded") as url:
        portal = WarmPortal(instance, url, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        portal.start()
        for _ in range(10):
            assert requests.get(f"{portal.url}/privacy", timeout=30).status_code == 200
        portal.stop()
    assert [span.name for span in collector.spans].count("GET /privacy") == 10
    assert "Traceback" not in portal.log.read_text()


def test_without_an_address_nothing_is_needed_or_loaded(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['opentelemetry'] = None; "  # redis looks for it by itself
        "from app import create_app; from app.settings import Settings; "
        "app = create_app(Settings.for_testing(sys.argv[1])); "
        "sys.exit(app.test_client().get('/health').status_code != 200 or 'app.server.tracing.spans' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=Path(__file__).parents[3]).returncode == 0


@pytest.mark.parametrize("missing", ["opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http"])
def test_packages_that_are_missing_are_said_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in [name for name in sys.modules if name.startswith(f"{missing}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigurationError) as caught:
        Settings.for_testing(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4318")
    (problem,) = caught.value.problems
    assert problem.endswith("is not installed: pip install -r requirements-otel.txt")
    assert Settings.for_testing(tmp_path).observation.traces_endpoint == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:secret@collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318?key=secret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a-secret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=a%0D%0Asecret"),
        ("TRACES_PERCENT", "101"),
    ],
)
def test_what_cannot_be_meant_is_a_problem(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.for_testing(tmp_path, **{name: value})
    (problem,) = caught.value.problems
    assert problem.startswith(f"{name} must ")
    assert "secret" not in problem
