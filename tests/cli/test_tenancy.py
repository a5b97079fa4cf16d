"""Permissions, roles, groups and memberships by commands: done once, foreseen, refused in one line; on both engines."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.services.tenancy.catalogue import ROLES
from tests.cli.test_commands import run
from tests.relying_party import EMAIL, RelyingParty, add_client, add_person, log_in

ADMIN = "admin@example.com"


@pytest.fixture
def app(make_app: Callable[..., Flask], database_url: str) -> Flask:
    """A portal on each engine, with a person in it."""
    app = make_app(database_url)
    add_person(app)
    return app


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    """The browser of that person."""
    browser = app.test_client()
    assert log_in(browser).status_code == 303
    return browser


def told(app: Flask, *arguments: str) -> Any:
    """What a command answers to programs."""
    return json.loads(run(app, *arguments, "--json"))


def ends(app: Flask, *arguments: str) -> tuple[int, str, str]:
    """How a command ends, what it says, and what it says of errors."""
    result = app.test_cli_runner().invoke(args=arguments)
    return result.exit_code, result.stdout, result.stderr


def places(app: Flask, who: str = EMAIL) -> set[tuple[str, str, bool]]:
    with app.app_context():
        services = app.extensions["services"]
        found = services.directory.one(services.accounts.find(who).id).groups
    return {(each.group, each.role, each.is_primary) for each in found}


def test_a_permission_and_a_role_from_beginning_to_end(app: Flask) -> None:
    run(app, "permissions", "declare", "manage:reports", "--en", "Manage your reports", "--ko", "보고서를 관리합니다")
    assert {
        "name": "manage:reports",
        "builtin": False,
        "en": "Manage your reports",
        "ko": "보고서를 관리합니다",
    } in told(app, "permissions", "list")
    made = told(app, "roles", "create", "editor", "--permission", "manage:reports", "--permission", "manage:teams")
    assert (made["name"], made["permissions"]) == ("editor", ["manage:reports", "manage:teams"])
    run(app, "roles", "set", "editor", "--add", "manage:apis", "--remove", "manage:teams")
    assert told(app, "roles", "show", "EDITOR")["permissions"] == ["manage:apis", "manage:reports"]
    run(app, "roles", "set", "editor", "--permission", "manage:teams")
    assert told(app, "roles", "show", "editor")["permissions"] == ["manage:teams"]
    run(app, "roles", "set", "editor", "--permission", "")
    assert told(app, "roles", "show", "editor")["permissions"] == []
    assert told(app, "roles", "rename", "editor", "편집자") == {"former": "editor", "name": "편집자"}
    assert [each["name"] for each in told(app, "roles", "list")] == ["admin", "member", "편집자"]
    run(app, "roles", "delete", "편집자", "--yes")
    run(app, "permissions", "remove", "manage:reports")
    assert "manage:reports" not in run(app, "permissions", "list")


def test_a_group_from_beginning_to_end(app: Flask, browser: FlaskClient) -> None:
    assert told(app, "groups", "create", "Seoul Lab", "--kind", "workspace")["kind"] == "workspace"
    run(app, "roles", "create", "editor", "--permission", "manage:teams")
    run(app, "users", "add-to-group", EMAIL, "seoul lab", "--role", "editor")
    run(app, "users", "add-to-group", EMAIL, "Seoul Lab")
    assert places(app) == {("MAX", "member", True), ("Seoul Lab", "editor", False)}
    assert browser.get("/account").status_code == 200
    run(app, "users", "set-role", EMAIL, "member", "--group", "Seoul Lab")
    assert [each["email"] for each in told(app, "groups", "members", "Seoul Lab")] == [EMAIL]
    assert told(app, "groups", "show", "Seoul Lab")["members"] == 1
    run(app, "groups", "rename", "Seoul Lab", "Busan Lab")
    assert [each["name"] for each in told(app, "groups", "list", "--search", "lab")] == ["Busan Lab"]
    run(app, "users", "set-primary-group", EMAIL, "Busan Lab")
    assert places(app) == {("MAX", "member", False), ("Busan Lab", "member", True)}
    assert browser.get("/account").status_code == 303
    assert "Say which one" in run(app, "users", "remove-from-group", EMAIL, "Busan Lab", fails=True)
    assert "Say which one" in run(app, "groups", "delete", "Busan Lab", fails=True)
    run(app, "groups", "delete", "Busan Lab", "--primary", "MAX")
    assert places(app) == {("MAX", "member", True)}
    run(app, "groups", "create", "Office")
    run(app, "users", "add-to-group", EMAIL, "Office", "--primary")
    run(app, "users", "remove-from-group", EMAIL, "Office", "--primary", "MAX")
    run(app, "users", "remove-from-group", EMAIL, "Office")
    assert places(app) == {("MAX", "member", True)}


IMPOSSIBLE: list[tuple[str, ...]] = [
    ("permissions", "declare", "Reports", "--en", "a", "--ko", "가"),
    ("permissions", "remove", "manage:teams"),
    ("permissions", "remove", "nothing"),
    ("roles", "create", "Admin"),
    ("roles", "create", "two words"),
    ("roles", "create", "x", "--permission", "manage:nothing"),
    ("roles", "create", "x", "--permission", "admin:access"),
    ("roles", "set", "member"),
    ("roles", "set", "member", "--add", "admin:access"),
    ("roles", "set", "admin", "--permission", ""),
    ("roles", "set", "king", "--add", "manage:teams"),
    ("roles", "rename", "admin", "root"),
    ("roles", "delete", "member", "--yes"),
    ("roles", "who", "manage:nothing"),
    ("roles", "who", "manage:teams", "--group", "Nowhere"),
    ("roles", "who", "manage:teams", "--after", "nobody@example.com"),
    ("roles", "why", "nobody@example.com", "manage:teams"),
    ("groups", "create", "\uff4d\uff41\uff58"),
    ("groups", "create", "x", "--kind", "team"),
    ("groups", "rename", "MAX", "Else"),
    ("groups", "delete", "MAX", "--yes"),
    ("groups", "show", "Nowhere"),
    ("users", "add-to-group", EMAIL, "Nowhere"),
    ("users", "add-to-group", EMAIL, "MAX", "--role", "king"),
    ("users", "add-to-group", "nobody@example.com", "MAX"),
    ("users", "set-role", EMAIL, "admin", "--group", "Nowhere"),
    ("users", "set-role", EMAIL, "king"),
    ("users", "set-primary-group", EMAIL, "Nowhere"),
    ("users", "set-role", ADMIN, "member"),
    ("users", "remove-from-group", ADMIN, "MAX"),
]


def test_what_cannot_be_done_is_said_in_one_line_and_nothing_is(app: Flask) -> None:
    lists = [("roles", "list"), ("groups", "list"), ("permissions", "list"), ("users", "list")]
    before = [run(app, *each) for each in lists], places(app)
    for arguments in IMPOSSIBLE:
        for command in (arguments, (*arguments, "--json")):
            assert "Error: " in run(app, *command, fails=True)
        run(app, *arguments, "--dry-run", fails=True)
    assert ([run(app, *each) for each in lists], places(app)) == before


def test_a_dry_run_tells_and_does_nothing(app: Flask, browser: FlaskClient) -> None:
    scope = "openid offline_access manage:models"
    secret = add_client(app, "web", is_confidential=True, scopes=scope.split())
    RelyingParty(browser, "web", secret).tokens(scope=scope)
    more = sorted({*ROLES["admin"]} - {*ROLES["member"]})
    gained = " ".join(f"+{name}" for name in more)
    for arguments, expected in (
        (
            ("roles", "set", "member", "--remove", "manage:models"),
            [
                "This would concern 1 person, of whom 0 people would be logged out.",
                "  - manage:models: 1 person",
                "  web: manage:models stops counting in 1 grants.",
                f"{EMAIL}: -manage:models",
                "    MAX: member → member -manage:models",
            ],
        ),
        (
            ("users", "set-role", EMAIL, "admin"),
            [
                "This would concern 1 person, of whom 1 person would be logged out.",
                *(f"  + {name}: 1 person" for name in more),
                f"  {EMAIL} becomes an administrator.",
                "  web: 1 grants end.",
                f"{EMAIL}: {gained}",
                f"    MAX: member → admin {gained}",
            ],
        ),
    ):
        assert run(app, *arguments, "--dry-run").splitlines() == expected
        assert told(app, *arguments, "--dry-run")["effects"]["people"] == 1
    assert "manage:models" in told(app, "roles", "show", "member")["permissions"]
    assert (places(app), browser.get("/account").status_code) == ({("MAX", "member", True)}, 200)
    run(app, "groups", "create", "Lab", "--kind", "workspace")
    lines = run(app, "users", "add-to-group", EMAIL, "Lab", "--dry-run").splitlines()
    assert lines[1:] == [
        f"{EMAIL}: the same permissions",
        "    Lab: not in it → member +manage:apis +manage:experiments +manage:models +manage:workflows"
        " +manage:workspaces +read:features +read:groups +read:profile",
        "    workspaces: +Lab",
    ]


def test_who_and_why(app: Flask) -> None:
    run(app, "groups", "create", "Lab")
    run(app, "roles", "create", "editor", "--permission", "manage:teams")
    run(app, "users", "add-to-group", EMAIL, "Lab", "--role", "editor")
    assert [each["email"] for each in told(app, "roles", "who", "manage:teams")] == [ADMIN]
    assert [each["email"] for each in told(app, "roles", "who", "manage:teams", "--group", "Lab")] == [EMAIL]
    everybody = [each["email"] for each in told(app, "roles", "who", "read:groups")]
    first = told(app, "roles", "who", "read:groups", "--limit", "1")
    rest = told(app, "roles", "who", "read:groups", "--after", first[0]["email"])
    assert [each["email"] for each in (*first, *rest)] == everybody
    assert run(app, "roles", "why", EMAIL, "manage:teams").splitlines() == [
        f"{EMAIL} may not manage:teams.",
        "  Lab (group): the role editor carries it.",
        "  MAX (primary group): the role member does not carry it.",
    ]
    run(app, "users", "disable", EMAIL)
    assert run(app, "roles", "why", EMAIL, "read:groups").startswith(
        f"{EMAIL} may not read:groups. The account is disabled.\n"
    )


POLICIES = f"""
Teams:
  - {EMAIL} may manage:workflows
  - {EMAIL.upper()} may not manage:teams anywhere
  - nobody but role admin may manage:teams
Platform:
  - role member may not admin:access
  - nobody but role admin may admin:access anywhere
  - {ADMIN} may admin:access in MAX
"""


@pytest.fixture
def policies(tmp_path: Path) -> str:
    file = tmp_path / "policies.yaml"
    file.write_text(POLICIES, encoding="utf-8")
    return str(file)


def test_policies_hold_until_they_do_not(app: Flask, policies: str) -> None:
    code, said, _ = ends(app, "policies", "test", policies)
    assert (code, said.splitlines()[0], said.splitlines()[-1]) == (
        *(0, f"✓ line 3: {EMAIL} may manage:workflows", "6 hold, 0 do not."),
    )
    run(app, "groups", "create", "Lab")
    run(app, "roles", "create", "editor", "--permission", "manage:teams")
    run(app, "users", "add-to-group", EMAIL, "Lab", "--role", "editor")
    code, said, _ = ends(app, "policies", "test", policies)
    assert code == 1
    assert f"✗ line 4: {EMAIL.upper()} may not manage:teams anywhere (By the role editor in Lab.)" in said.splitlines()
    assert said.splitlines()[-1] == "5 hold, 1 do not."
    run(app, "roles", "set", "member", "--remove", "manage:workflows")
    result = app.test_cli_runner().invoke(args=["policies", "test", policies, "--json"])
    facts = json.loads(result.stdout)
    assert (result.exit_code, facts["passed"], facts["failed"]) == (1, 4, 2)
    assert [each["line"] for each in facts["expectations"] if not each["holds"]] == [3, 4]


REASONS = [
    ("nobody@example.com may not manage:teams", "There is no account of that e-mail, id or username."),
    ("grace may not manage:teams", "There is no account of that e-mail, id or username."),
    ("\uff21da may manage:teams in MAX", "Not by the role member in MAX."),
    ("role king may not manage:teams", "There is no role of that name."),
    ("nobody but role king may manage:teams", "There is no role of that name."),
    (f"{EMAIL} may not manage:teams in Nowhere", "There is no group of that name."),
    ("nobody may manage:teams in Nowhere", "There is no group of that name."),
    (f"{EMAIL} may not manage:nothing", "There is no permission of that name."),
    ("nobody may manage:teams", f"{ADMIN} may, by the role admin in MAX."),
    ("role member may manage:teams", "The role member does not carry it."),
    (f"{EMAIL} may manage:teams", "Not by the role member in MAX."),
    (f"{EMAIL} may manage:apis in Lab", "The person is not in that group."),
]


def test_what_does_not_hold_says_why(app: Flask, tmp_path: Path) -> None:
    run(app, "groups", "create", "Lab")
    file = tmp_path / "policies.yaml"
    file.write_text("".join(f"- '{sentence}'\n" for sentence, _ in REASONS), encoding="utf-8")
    code, said, _ = ends(app, "policies", "test", str(file))
    expected = [f"✗ line {line}: {sentence} ({reason})" for line, (sentence, reason) in enumerate(REASONS, 1)]
    assert (code, said.splitlines()[:-1]) == (1, expected)


def test_whoever_is_disabled_may_nothing(app: Flask, tmp_path: Path) -> None:
    run(app, "users", "disable", EMAIL)
    file = tmp_path / "policies.yaml"
    file.write_text(
        f"- {EMAIL} may not manage:apis\n- {EMAIL} may manage:apis\n- nobody but role admin may read:groups\n"
    )
    code, said, _ = ends(app, "policies", "test", str(file))
    assert (code, [line[0] for line in said.splitlines()[:-1]]) == (1, ["✓", "✗", "✓"])


def test_a_file_that_cannot_be_read_is_another_end(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text("- a may a:b\n- a can a:b\n- [x]\n")
    code, said, errors = ends(app, "policies", "test", str(file))
    assert (code, said) == (2, "")
    assert errors.startswith("Error: line 3: ")
    file.write_text("- a can a:b\n- a may a:b\n- b may B\n")
    code, said, errors = ends(app, "policies", "test", str(file))
    assert [line.split(": ")[1] for line in errors.splitlines()] == ["line 1", "line 3"]
    assert ends(app, "policies", "test", str(tmp_path / "nothing"))[0] == 2
    assert ends(app, "policies", "test", str(tmp_path))[0] == 2
    assert ends(app, "roles", "set", "member", "--add", "manage:teams", "--policies", str(file))[0] == 2
    assert "manage:teams" not in told(app, "roles", "show", "member")["permissions"]
    result = app.test_cli_runner().invoke(args=["policies", "test", "-"], input="- role admin may admin:access\n")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "1 hold, 0 do not.")


def test_a_change_that_would_break_a_policy_says_which_and_is_not_made(app: Flask, policies: str) -> None:
    change = ("roles", "set", "member", "--remove", "manage:workflows", "--add", "manage:teams", "--policies", policies)
    code, said, _ = ends(app, *change, "--dry-run")
    assert code == 1
    broken = [line for line in said.splitlines() if line.startswith("✗")]
    assert [line.split(":")[0] for line in broken] == [f"✗ line {line} would break" for line in (3, 4, 5)]
    assert ends(app, *change)[0] == 1
    result = app.test_cli_runner().invoke(args=[*change, "--json"])
    assert [each["line"] for each in json.loads(result.stdout)["expectations"]["broken"]] == [3, 4, 5]
    member = told(app, "roles", "show", "member")["permissions"]
    assert ("manage:workflows" in member, "manage:teams" in member) == (True, False)
    # What does not break one is made, and what held neither way is no obstacle.
    run(app, "roles", "create", "editor", "--permission", "manage:teams")
    run(app, "users", "set-role", EMAIL, "editor")
    code, said, _ = ends(app, "users", "set-role", EMAIL, "member", "--policies", policies, "--dry-run")
    assert code == 0
    assert [line.split(":")[0] for line in said.splitlines() if line.startswith("✓")] == [
        f"✓ line {line} would hold again" for line in (3, 4, 5)
    ]
    run(app, "users", "set-role", EMAIL, "member", "--policies", policies)
    assert ends(app, "policies", "test", policies)[0] == 0
