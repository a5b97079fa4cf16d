"""What operators see of the queue, and how they hasten it."""

import json
from pathlib import Path

from flask import Flask

from tests.cli.test_commands import run
from tests.clock import Clock
from tests.mail.queue import queue

NOTHING = {"waiting": 0, "failing": 0, "done": 0, "given_up": 0}


def counts(app: Flask) -> dict[str, int]:
    (row,) = json.loads(run(app, "mail", "status", "--json"))
    assert row.pop("kind") == "mail"
    return {state: count for state, count in row.items() if count}


def test_the_queue_is_counted_by_state(app: Flask, instance: Path, clock: Clock) -> None:
    assert counts(app) == {}
    queue(app)
    queue(app, "no address")
    assert counts(app) == {"waiting": 2}
    (instance / "mail").write_text("in the way")
    assert run(app, "mail", "deliver") == "Delivered 0.\n"
    assert counts(app) == {"failing": 1, "given_up": 1}
    assert run(app, "mail", "deliver") == "Delivered 0.\n"
    (instance / "mail").unlink()
    assert run(app, "mail", "deliver") == "Delivered 0.\n"  # its pause is not over
    assert run(app, "mail", "retry") == "1 will be tried now.\n"
    assert run(app, "mail", "deliver") == "Delivered 1.\n"
    assert counts(app) == {"done": 1, "given_up": 1}
    assert run(app, "mail", "retry") == "0 will be tried now.\n"


def test_the_table_has_a_line_for_mails_even_when_there_are_none(app: Flask) -> None:
    head, line = run(app, "mail", "status").splitlines()
    assert head.split() == ["kind", *NOTHING]
    assert line.split() == ["mail", "0", "0", "0", "0"]
