"""Scopes by commands, on both engines: added, worded, registered, kept from being removed, removed."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.cli.test_commands import run
from tests.relying_party import RelyingParty, add_client, add_person, log_in

WORDS = ("--en", "See your reports", "--ko", "보고서를 확인합니다")


@pytest.fixture
def app(make_app: Callable[..., Flask], database_url: str) -> Flask:
    """A portal on each engine, with a person in it."""
    app = make_app(database_url)
    add_person(app)
    return app


def told(app: Flask, *arguments: str) -> Any:
    """What a command answers to programs."""
    return json.loads(run(app, *arguments, "--json"))


def test_a_scope_is_added_worded_registered_and_removed(app: Flask) -> None:
    added = told(app, "scopes", "add", "ｒead:reports", *WORDS)
    assert added == {
        **{"name": "read:reports", "kind": "data", "builtin": False},
        **{"en": "See your reports", "ko": "보고서를 확인합니다"},
    }
    told(app, "scopes", "word", "read:reports", "--en", "Read your reports")
    assert "Read your reports" in run(app, "scopes", "list")
    assert told(app, "scopes", "show", "read:reports")["ko"] == "보고서를 확인합니다"
    add_client(app, "shop", scopes=["openid", "read:reports"], consent_policy="implicit")
    assert told(app, "scopes", "show", "read:reports")["clients"] == ["shop"]
    browser = app.test_client()
    assert log_in(browser).status_code == 303
    tokens = RelyingParty(browser, "shop").tokens(scope="openid read:reports")
    assert tokens["scope"] == "openid read:reports"
    assert "Take it from the application first." in run(app, "scopes", "remove", "read:reports", fails=True)
    run(app, "clients", "update", "shop", "--scope", "openid")
    assert told(app, "scopes", "remove", "read:reports") == {"name": "read:reports", "removed": True}
    assert "There is no scope of that name." in run(app, "scopes", "show", "read:reports", fails=True)
    assert "There is no scope" in run(app, "clients", "update", "shop", "--scope", "openid read:reports", fails=True)


def test_what_cannot_be_a_scope_is_said_in_one_line(app: Flask) -> None:
    for wrong, said in (
        (("add", "Read Reports", *WORDS), "small letters"),
        (("add", "openid", *WORDS), "There is a scope of that name already."),
        (("add", "admin:all", *WORDS), "There are no others."),
        (("add", "read:reports", "--en", "See"), "Say in one line"),
        (("word", "nothing", *WORDS), "There is no scope of that name."),
        (("word", "openid", "--ko", " "), "Say in one line"),
        (("remove", "openid"), "It stays."),
        (("remove", "nothing"), "There is no scope of that name."),
    ):
        refused = run(app, "scopes", *wrong, fails=True)
        assert said in refused, wrong
        assert len(refused.strip().splitlines()) == 1, wrong
