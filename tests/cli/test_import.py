"""``users import``: what it prints, how it ends, and that it prints no hash."""

import json
from pathlib import Path

import pytest
from flask import Flask

from tests.cli.test_commands import run
from tests.relying_party import log_in
from tests.services.hashes.vectors import PASSWORD, VECTORS

HASH = next(given for name, _, given in VECTORS if name == "django pbkdf2_sha256")
TABLE = f"""email,name,password_hash,groups
ada@example.com,Ada,{HASH},
bob@example.com,Bob,,MAX:admin
,Eve,,
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "People.CSV"
    path.write_text(TABLE)
    return str(path)


def printed(app: Flask, *arguments: str) -> str:
    """What a command that refused some rows prints for programs, without its log."""
    result = app.test_cli_runner().invoke(args=arguments)
    assert result.exit_code == 1, result.output
    return result.stdout


def test_a_rehearsal_tells_every_row_and_an_import_those_refused(
    app: Flask, file: str, caplog: pytest.LogCaptureFixture
) -> None:
    told = printed(app, "users", "import", file, "--dry-run")
    refused = [
        "row 3: refused: groups: An import makes nobody an administrator unless it is told so.",
        "row 4: refused: email: An account needs an e-mail.",
    ]
    assert told.splitlines()[:3] == ["row 2: would be created: ada@example.com", *refused]
    assert "3 rows: 1 would be created, 0 would be updated, 0 unchanged, 0 there already, 2 refused." in told
    assert "no account" in run(app, "users", "show", "ada@example.com", fails=True)
    done = printed(app, "users", "import", file)
    assert done.splitlines()[:2] == refused
    assert "3 rows: 1 created, 0 updated, 0 unchanged, 0 there already, 2 refused." in done
    assert log_in(app.test_client(), "ada@example.com", password=PASSWORD).status_code == 303
    assert HASH.rsplit("$", 1)[1] not in told + done + caplog.text
    assert PASSWORD not in told + done


def test_programs_get_a_line_for_each_row_and_the_sum(app: Flask, file: str) -> None:
    *rows, total = [json.loads(line) for line in printed(app, "users", "import", file, "--json").splitlines()]
    assert rows[0] == {"row": 2, "email": "ada@example.com", "action": "created", "changed": [], "problems": []}
    assert [row["problems"][0]["column"] for row in rows[1:]] == ["groups", "email"]
    assert (total["created"], total["refused"], total["rehearsal"]) == (1, 2, False)
    (record,) = json.loads(run(app, "audit", "list", "--action", "people:imported", "--json"))
    assert record["details"]["sha256"] == total["sha256"]
    assert record["details"]["request"] == total["run"]
    assert total["run"] in run(app, "trace", total["run"], "--json")


def test_administrators_are_made_where_the_operator_says_so(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "people.jsonl"
    path.write_text('{"email": "root@example.com", "groups": ["MAX:admin"]}\n')
    run(app, "users", "import", str(path), "--allow-admin")
    assert json.loads(run(app, "users", "show", "root@example.com", "--json"))["admin"] is True
    path.write_text('{"email": "root@example.com", "name": "Root"}\n')
    assert "1 there already" in run(app, "users", "import", str(path))
    assert "row 1: would be updated (name): root@example.com" in run(
        app, "users", "import", str(path), "--update", "--dry-run"
    )
    run(app, "users", "import", str(path), "--update")
    assert json.loads(run(app, "users", "show", "root@example.com", "--json"))["name"] == "Root"


def test_a_file_comes_by_standard_input_as_well(app: Flask) -> None:
    def given(text: str, *options: str) -> int:
        command = ["users", "import", "-", *options]
        return int(app.test_cli_runner().invoke(args=command, input=text.encode()).exit_code)

    assert given("email\nada@example.com\n", "--format", "csv") == 0
    assert given("email\nada@example.com\n") == 2
    assert given("name\nAda\n", "--format", "csv") == 2
    assert json.loads(run(app, "users", "show", "ada@example.com", "--json"))["active"] is True


def test_what_cannot_be_read_ends_with_two(app: Flask, tmp_path: Path) -> None:
    for path, sentence in ((tmp_path / "none.csv", "This file cannot be read."), (tmp_path, "Say with --format")):
        result = app.test_cli_runner().invoke(args=["users", "import", str(path)])
        assert result.exit_code == 2
        assert sentence in result.output
