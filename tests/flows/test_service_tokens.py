"""Services prove themselves to the running portal: by libraries they use, in every worker, with and without Redis."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from joserfc.jwk import ECKey

from app.errors import InvalidInput
from app.services.assertions.published_keys import PublishedKeys
from tests import service_token_check
from tests.databases import running_portal
from tests.outsiders import Serve, outsiders
from tests.portal import Portal
from tests.relying_party import add_client
from tests.security.assertions import Signer, jwk_of, jwks_of
from tests.servers import PROJECT_ROOT, RedisServer, running

PATIENCE = 60
CLIENTS = PROJECT_ROOT / "tests" / "clients"
PROGRAMS = {
    "authlib": [str(CLIENTS / ".venv/bin/python"), str(CLIENTS / "authlib_service.py")],
    "openid-client": [str(Path(sys.executable).with_name("node")), str(CLIENTS / "openid_client_service.mjs")],
}
OPTIONS = ("--confidential", "--grant", "client_credentials", "--scope", "admin:oauth admin:users", "--json")
SIGNING = ("--auth-method", "private_key_jwt")
FIELDS: dict[str, Any] = {
    "is_confidential": True,
    "grants": ["client_credentials"],
    "redirects": [],
    "scopes": ["admin:oauth"],
}
FORM = {"grant_type": "client_credentials"}
KEY, NEW = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")


@pytest.fixture
def serve() -> Iterator[Serve]:
    with outsiders() as start:
        yield start


def a_set(*keys: dict[str, Any]) -> bytes:
    body = jwks_of(*keys).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def registered(portal: Portal, client_id: str, *options: str) -> Signer:
    """A client that signs with :data:`KEY`, which is where the options say."""
    portal.flask("clients", "create", client_id, *OPTIONS, *SIGNING, *options)

    class AtThisPortal(Signer):
        def claims(self, **changes: Any) -> dict[str, Any]:
            return super().claims(**{"aud": portal.url, **changes})

    return AtThisPortal(client_id, KEY, time.time)


def asked(portal: Portal, form: dict[str, str]) -> requests.Response:
    """A token request over a connection of its own: any worker may get it."""
    return requests.post(f"{portal.url}/api/oauth/token", data={**FORM, **form}, timeout=PATIENCE)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_service_signs_with_the_library_it_uses(live_portal: Portal, tmp_path: Path, program: str) -> None:
    options = {"issuer": live_portal.url, "client_id": f"by-{program}", "scope": "admin:users"}
    command = [*PROGRAMS[program], json.dumps(options)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        line = run.stdout.readline()
        assert line, run.stderr.read()
        path = tmp_path / "jwks.json"
        path.write_text(json.dumps(json.loads(line)["jwks"]))
        live_portal.flask("clients", "create", options["client_id"], *OPTIONS, *SIGNING, "--jwks", str(path))
        output, errors = run.communicate("\n", timeout=PATIENCE)
    assert run.returncode == 0, errors
    expected = {"scope": "admin:users", "before": True, "after": False, "client_id": options["client_id"]}
    assert json.loads(output.splitlines()[-1]) == {"report": expected}


def test_keys_are_read_at_their_address_and_remembered_by_each_worker(live_portal: Portal, serve: Serve) -> None:
    old, new = jwk_of(KEY, kid="old"), jwk_of(NEW, kid="new")
    home = serve(lambda sock: sock.sendall(a_set(old, new)))
    signer = registered(live_portal, "publishing", "--jwks-uri", f"http://127.0.0.1:{home.port}/jwks")
    answers = [asked(live_portal, signer.form(signer.assertion({"kid": "old"}))).status_code for _ in range(12)]
    assert answers == [200] * 12
    assert 1 <= len(home.received) <= 2
    refused = [asked(live_portal, signer.form(signer.assertion({"kid": f"made-up-{n}"}))) for n in range(12)]
    assert {each.status_code for each in refused} == {401}
    assert len(home.received) <= 2


def test_a_key_is_replaced_at_its_address_without_a_gap(make_app: Callable[..., Flask], serve: Serve) -> None:
    """Published beside the old one, used a minute later, and alone in the end; the process's clock is moved by hand."""
    app, moment = make_app(), [0.0]
    services = app.extensions["services"]
    services.published_keys._now = lambda: moment[0]
    old, new = jwk_of(KEY, kid="old"), jwk_of(NEW, kid="new")
    home = serve(lambda sock: sock.sendall(a_set(old)))
    uri = f"http://127.0.0.1:{home.port}/jwks"
    add_client(app, "renewing", auth_method="private_key_jwt", jwks_uri=uri, **FIELDS)
    signer = Signer("renewing", KEY, lambda: services.clock().timestamp())

    def status(kid: str, key: ECKey) -> int:
        form = signer.form(signer.assertion({"kid": kid}, key=key))
        return app.test_client().post("/api/oauth/token", data={**FORM, **form}).status_code

    assert (status("old", KEY), status("new", NEW)) == (200, 401)
    home.answer = lambda sock: sock.sendall(a_set(old, new))
    moment[0] += 60
    assert (status("new", NEW), status("old", KEY)) == (200, 200)
    home.answer = lambda sock: sock.sendall(a_set(new))
    moment[0] += 600
    assert (status("new", NEW), status("old", KEY)) == (200, 401)
    assert len(home.received) == 3
    with app.app_context():
        services = app.extensions["services"]
        services.usage.write()
        assert [each.name for each in services.client_health.of("renewing").key_fetches] == ["read"]


def test_what_a_desk_registered_is_not_asked_in_production(make_app: Callable[..., Flask], serve: Serve) -> None:
    app = make_app()
    services = app.extensions["services"]
    home = serve(lambda sock: sock.sendall(a_set(jwk_of(KEY))))
    add_client(app, "near", auth_method="private_key_jwt", jwks_uri=f"http://127.0.0.1:{home.port}/jwks", **FIELDS)
    signer = Signer("near", KEY, lambda: services.clock().timestamp())
    services.assertions.published = PublishedKeys(places=1, is_production=True)
    answer = app.test_client().post("/api/oauth/token", data={**FORM, **signer.form()})
    assert (answer.status_code, answer.json["error"], home.received) == (401, "invalid_client", [])
    services.clients.allows_network = False
    for uri in (
        f"http://127.0.0.1:{home.port}/jwks",
        "http://localhost/jwks",
        "https://localhost/jwks",
        "https://[::1]/",
    ):
        with app.app_context(), pytest.raises(InvalidInput, match="not of an inner network"):
            services.clients.create("nearer", auth_method="private_key_jwt", jwks_uri=uri, **FIELDS)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_an_assertion_is_good_once_in_all_workers_whatever_becomes_of_redis(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    databases = request.getfixturevalue("sqlite_databases" if engine == "sqlite" else "postgres_databases")
    path = tmp_path / "jwks.json"
    path.write_text(jwks_of(jwk_of(KEY)))
    with running(RedisServer) as redis, running_portal(databases, redis.url) as portal, ThreadPoolExecutor(8) as pool:
        signer = registered(portal, "repeating", "--jwks", str(path))

        def at_once() -> tuple[Counter[int], dict[str, str]]:
            form = signer.form()
            answers = list(pool.map(lambda _: asked(portal, form).status_code, range(16)))
            return Counter(answers), form

        answers, before = at_once()
        assert answers == {200: 1, 401: 15}
        redis.stop()
        answers, during = at_once()
        assert answers == {200: 1, 401: 15}
        assert [asked(portal, form).status_code for form in (before, during)] == [401, 401]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_who_waits_for_keys_holds_no_connection(
    make_app: Callable[..., Flask], open_database: Callable[..., str], serve: Serve, engine: str
) -> None:
    app = make_app(open_database(engine))
    with app.app_context():
        pool = app.extensions["services"].db.engine.pool
    is_asked, may_answer = threading.Event(), threading.Event()

    def hang(sock: socket.socket) -> None:
        is_asked.set()
        if may_answer.wait(PATIENCE):
            sock.sendall(a_set(jwk_of(KEY)))

    uri = f"http://127.0.0.1:{serve(hang).port}/jwks"
    add_client(app, "slow", auth_method="private_key_jwt", jwks_uri=uri, **FIELDS)
    secret = add_client(app, "other", **FIELDS)
    with app.app_context():
        signer = Signer("slow", KEY, lambda: app.extensions["services"].clock().timestamp())
    with ThreadPoolExecutor(1) as beside:
        waiting = beside.submit(lambda: app.test_client().post("/api/oauth/token", data={**FORM, **signer.form()}))
        assert is_asked.wait(PATIENCE)
        assert pool.checkedout() == 0
        assert app.test_client().post("/api/oauth/token", data=FORM, auth=("other", secret or "")).status_code == 200
        may_answer.set()
        assert waiting.result(PATIENCE).status_code == 200


def test_the_check_finds_what_works(live_portal: Portal) -> None:
    made = json.loads(live_portal.flask("clients", "create", "checked", *OPTIONS))
    options = ("--client-id", made["client_id"], "--client-secret", made["client_secret"])
    lines: list[str] = []
    code = service_token_check.main([live_portal.url, *options], lines.append)
    assert len(lines) == len(list(service_token_check.checks()))
    wrong = [line for line in lines if not line.startswith("✓ ")]
    is_there = requests.get(f"{live_portal.url}{service_token_check.API}/statistics", timeout=PATIENCE).status_code
    if is_there == 404:  # a portal without the service API is told so, and of nothing else
        assert code == 1
        assert {line.rpartition(": ")[2] for line in wrong} == {"404 invalid_request"}
        assert all(line.startswith(("✗ token used at", "✗ refused there")) for line in wrong)
    else:
        assert (code, wrong) == (0, [])
    assert not [line for line in lines if made["client_secret"] in line]


def test_the_check_finds_what_does_not(live_portal: Portal, serve: Serve) -> None:
    made = json.loads(live_portal.flask("clients", "create", "mistaken", *OPTIONS))
    lines: list[str] = []
    options = ("--client-id", made["client_id"], "--client-secret", "wrong")
    assert service_token_check.main([live_portal.url, *options], lines.append) == 1
    assert "✗ token issued at /api/oauth/token by basic: 401 invalid_client" in lines
    # A server that says yes to everything keeps none of the promises.
    body = json.dumps(
        {"access_token": "a.b.c", "token_type": "Bearer", "scope": "admin:oauth", "active": True}
    ).encode()
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    willing = serve(lambda sock: sock.sendall(head + body))
    lines.clear()
    assert service_token_check.main([f"http://127.0.0.1:{willing.port}", *options], lines.append) == 1
    assert [line for line in lines if "refused" in line and line.startswith("✓")] == []
    lines.clear()
    willing.close()
    assert service_token_check.main([f"http://127.0.0.1:{willing.port}", *options], lines.append) == 1
    assert [line for line in lines if line.startswith("✓")] == []


def test_the_check_wants_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SERVICE_CLIENT_ID", "SERVICE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as ended:
        service_token_check.main(["http://127.0.0.1:9"])
    assert ended.value.code == 2
