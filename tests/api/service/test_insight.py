"""How applications fare, by the service API and the command: the same answers at both doors."""

import json

import pytest
from flask import Flask

from app.api.service.insight_models import AddressVerdict
from tests.api.service.backends import Backend
from tests.cli.test_commands import run
from tests.relying_party import REDIRECT_URI, add_client

CLIENT_ID = "web"


def test_an_address_is_judged_alike_by_the_api_and_the_command(app: Flask, backend: Backend) -> None:
    add_client(app, CLIENT_ID)
    uri = f"{REDIRECT_URI}/"
    asked = {"uri": uri, "type": "popup", "client_id": CLIENT_ID}
    verdict = backend.done("POST", "/redirect-uri-advice", asked)
    assert verdict.keys() == AddressVerdict.model_fields.keys()
    assert ([each["code"] for each in verdict["advice"]], verdict["level"]) == (["slash"], "warning")
    assert (
        json.loads(run(app, "clients", "check-uri", uri, "--type", "popup", "--client", CLIENT_ID, "--json")) == verdict
    )
    assert "warning: Another address" in run(app, "clients", "check-uri", uri, "--type", "popup", "--client", CLIENT_ID)
    assert backend.get(f"/clients/{CLIENT_ID}")["redirect_uris"] == [REDIRECT_URI]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"uri": REDIRECT_URI}, 400),
        ({"uri": REDIRECT_URI, "type": "spa"}, 400),
        ({"uri": [REDIRECT_URI], "type": "popup"}, 400),
        ({"uri": "x" * 4001, "type": "popup"}, 400),
        ({"uri": REDIRECT_URI, "type": "popup", "client_id": "nobody"}, 404),
    ],
)
def test_what_cannot_be_judged_is_refused(backend: Backend, body: dict[str, str], status: int) -> None:
    answer = backend.done("POST", "/redirect-uri-advice", body, status)
    assert REDIRECT_URI not in json.dumps(answer)


def test_the_command_takes_what_terminals_send(app: Flask) -> None:
    assert "error: " in run(app, "clients", "check-uri", "https://앱.example.com/*", "--type", "native")
    assert "Invalid value" in run(app, "clients", "check-uri", REDIRECT_URI, "--type", "spa", fails=True)
