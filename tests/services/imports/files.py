"""Files of people, and what importing them says."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import Flask

from app.services.foundation.environment import Caller
from app.services.imports.imports import Run, Wishes
from app.services.imports.judging import Outcome
from app.services.imports.sheets import Form
from app.wiring import Services

CALLER = Caller(actor="operator")
Said = Mapping[str, Any]


def services_of(portal: Flask) -> Services:
    found: Services = portal.extensions["services"]
    return found


def jsonl(rows: Iterable[Said]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def table(rows: Sequence[Mapping[str, str]]) -> bytes:
    names = sorted({name for row in rows for name in row} | {"email"})
    written = io.StringIO()
    writer = csv.DictWriter(written, names)
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode("utf-8", "surrogateescape")


def run_of(portal: Flask, rows: Iterable[Said], **wishes: bool) -> Run:
    return services_of(portal).imports.begin(io.BytesIO(jsonl(rows)), Form.JSONL, CALLER, Wishes(**wishes))


def imported(portal: Flask, rows: Iterable[Said], **wishes: bool) -> list[Outcome]:
    """What becomes of the rows, which is done unless it is a rehearsal."""
    with portal.app_context():
        return [outcome for part in run_of(portal, rows, **wishes) for outcome in part]


def one(portal: Flask, **said: Any) -> Outcome:
    (outcome,) = imported(portal, [said])
    return outcome
