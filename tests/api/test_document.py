"""The document is true: what it describes is answered as it says, and nothing is answered that it does not describe.

Schemathesis makes the requests from the document: all that stands on the edge of a schema or just beyond it, and some
at random from a fixed seed. They go straight into the application.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from flask import Flask, Response
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from app import create_app
from app.api import COMPATIBLE, documented
from app.services.foundation.environment import NOBODY
from app.settings import Settings
from tests.api.service.backends import PREFIX as SERVICE
from tests.api.service.backends import service_token
from tests.clock import Clock
from tests.databases import SqliteDatabases
from tests.portal import close
from tests.providers import Providers, shared_providers
from tests.relying_party import add_person
from tests.social.travelling import NAMES

__all__ = ["shared_providers"]
OPERATIONS = documented(NAMES)
LABELS = [f"{each.method} {prefix}{each.path}".replace("<", "{").replace(">", "}") for prefix, each in OPERATIONS]
# These have rules that no schema says: a password is strong, a token was mailed, a cursor was given out, somebody was
# sent to a provider.
JUDGED = {"register", "profile", "photo", "reset-password", "verify-email"} | {
    *("change-password", "change-email", "sessions", "{provider}", "quota"),
}
PAGES = {"/api/v1/auth/{provider}": "302", "/api/v1/auth/{provider}/callback": "303"}
"""To which browsers are led, and how they go on."""
EXAMPLES = 12


@pytest.fixture(scope="module")
def portal(
    sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory, shared_providers: Providers
) -> Iterator[Flask]:
    """A portal of these tests' own, which works with every provider."""
    directory = tmp_path_factory.mktemp("document")
    with sqlite_databases.fresh(directory, "seeded") as url:
        settings = Settings.for_testing(directory, url, RATE_LIMIT_ENABLED="false", **shared_providers.environment)
        app = create_app(settings, Clock())
        app.config["ADA"], app.config["SERVICE"] = add_person(app), service_token(app, "tester", "admin:full")
        session_of(app)
        yield app
        close(app)


@pytest.fixture(scope="module")
def schema(portal: Flask) -> Any:
    """The document as Schemathesis reads it."""
    return schemathesis.openapi.from_wsgi("/api/openapi.json", portal)


@pytest.fixture
def document(portal: Flask) -> dict[str, Any]:
    """The document."""
    response = portal.test_client().get("/api/openapi.json")
    assert (response.status_code, response.mimetype) == (200, "application/json")
    return dict(response.json)


def described(schema: Any, label: str) -> Any:
    """One operation of it."""
    (found,) = [each.ok() for each in schema.get_all_operations() if each.ok().label == label]
    return found


def session_of(portal: Flask) -> Any:
    """The tokens of a new session of Ada's."""
    with portal.app_context():
        services = portal.extensions["services"]
        session_id, _ = services.sessions.start(portal.config["ADA"], NOBODY)
        return services.first_party.begin(portal.config["ADA"], session_id, NOBODY)


def send(portal: Flask, case: Any) -> None:
    """Send a request, as a person in a session of its own, for some end theirs; hold the answer to the document."""
    is_of_service = case.operation.path.startswith(SERVICE)
    if is_of_service:
        case.cookies, token = {}, portal.config["SERVICE"]
    else:
        issued = session_of(portal)
        case.cookies, token = {"portal_refresh": issued.refresh_token}, issued.access_token
    is_judged = is_of_service or any(part in JUDGED for part in case.operation.path.split("/"))
    case.call_and_validate(
        headers={"Authorization": f"Bearer {token}"},
        excluded_checks=[positive_data_acceptance] if is_judged else [],
    )


@pytest.mark.parametrize("label", LABELS)
def test_what_stands_on_the_edge_is_answered_as_described(portal: Flask, schema: Any, label: str) -> None:
    operation = described(schema, label)
    config = schema.config.generation_for(operation=operation)
    sent = 0
    for case in schema.iter_coverage_cases(operation, generation_modes=list(GenerationMode), generation_config=config):
        send(portal, case)
        sent += 1
    assert sent >= 3


@pytest.mark.parametrize("label", LABELS)
def test_what_is_made_up_is_answered_as_described(portal: Flask, schema: Any, label: str) -> None:
    operation = described(schema, label)
    modes = [operation.as_strategy(generation_mode=mode) for mode in operation_modes(operation)]

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=st.one_of(*modes))
    def hold(case: Any) -> None:
        send(portal, case)

    hold()


def operation_modes(operation: Any) -> list[GenerationMode]:
    """Nothing can be wrong with what has no parameters."""
    has_inputs = operation.body or operation.query or operation.path_parameters
    return list(GenerationMode) if has_inputs else [GenerationMode.POSITIVE]


def test_a_broken_promise_would_be_noticed(portal: Flask) -> None:
    lie = portal.test_client().get("/api/openapi.json").json
    lie["components"]["schemas"]["User"]["properties"]["username"] = {"type": "integer"}

    def liar(environ: dict[str, Any], start_response: Any) -> Any:
        answer = Response(json.dumps(lie), mimetype="application/json")
        return (answer if environ["PATH_INFO"] == "/api/openapi.json" else portal)(environ, start_response)

    operation = described(schemathesis.openapi.from_wsgi("/api/openapi.json", liar), "GET /api/v1/auth/me")
    with pytest.raises(BaseExceptionGroup) as broken:
        send(portal, operation.Case())
    assert [type(each).__name__ for each in broken.value.exceptions] == ["JsonSchemaError"]


def references(part: Any) -> Iterator[str]:
    """What a part of the document refers to."""
    if isinstance(part, dict):
        for name, value in part.items():
            yield from [value] if name == "$ref" else references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_the_document_is_openapi_3_1_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "http://localhost:8000"}]
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate({**schema, "$schema": "https://json-schema.org/draft/2020-12/schema"})

    found = set(references(document))
    assert len(found) > 20
    for reference in found:
        at = document
        for name in reference.removeprefix("#/").split("/"):
            at = at[name]


def test_every_route_of_the_api_is_described_and_nothing_else(portal: Flask, document: dict[str, Any]) -> None:
    mounted = {
        (re.sub(r"<(?:any\(.*\):)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in portal.url_map.iter_rules()
        if rule.rule.startswith(("/api/v1/auth/", "/api/v1/users/", "/api/v1/quota", "/api/admin/"))
        for method in rule.methods or ()
        if method not in {"HEAD", "OPTIONS"}
    }
    assert {(path, method) for path, methods in document["paths"].items() for method in methods} == mounted
    assert {label.partition(" ")[2] for label in LABELS} == set(document["paths"])


def test_the_older_prefix_has_the_same_routes(portal: Flask) -> None:
    def below(prefix: str) -> set[tuple[str, str]]:
        rules = [rule for rule in portal.url_map.iter_rules() if rule.rule.startswith(f"{prefix}/")]
        return {(rule.rule.removeprefix(prefix), ",".join(sorted(rule.methods or ()))) for rule in rules}

    assert below(COMPATIBLE) == below("/api/v1/auth")
    assert len(below(COMPATIBLE)) == 22


def test_every_operation_says_what_it_wants_and_how_it_refuses(document: dict[str, Any]) -> None:
    names = set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            names.add(operation["operationId"])
            assert operation["summary"]
            if path in PAGES:
                continue
            assert {"400", "429", "500", "503"} <= set(operation["responses"])
            is_bearer = [*map(set, operation["security"])] in ([{"bearer"}], [{"service"}])
            assert not is_bearer or {"401", "403"} <= set(operation["responses"])
            if method != "get":
                assert {"403", "413", "415"} <= set(operation["responses"]), path
            for status, answer in operation["responses"].items():
                assert status == "204" or "$ref" in answer or answer["content"]["application/json"]["schema"]
    assert len(names) == len(LABELS)


def test_addresses_for_browsers_are_said_to_lead_on_or_to_a_page(document: dict[str, Any]) -> None:
    for path, status in PAGES.items():
        operation = document["paths"][path]["get"]
        assert operation["security"] == []
        assert set(operation["responses"]) == {status, "404", "default"}
        assert set(operation["responses"][status]["headers"]) == {"X-Request-ID", "Location"}
        assert set(operation["responses"]["default"]["content"]) == {"text/html", "application/json"}


def test_a_portal_without_providers_has_no_addresses_of_any(client: FlaskClient) -> None:
    paths = client.get("/api/openapi.json").json["paths"]
    assert not PAGES.keys() & set(paths)
    assert "/api/v1/auth/identities" in paths


def test_the_document_is_readable_by_all_and_kept_for_a_while(client: FlaskClient) -> None:
    response = client.get("/api/openapi.json", headers={"Origin": "https://docs.example.com"})
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert response.cache_control.max_age == 300
    again = client.get("/api/openapi.json", headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client.post("/api/openapi.json").status_code == 405
