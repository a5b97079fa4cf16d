"""The audit trail and the settings by the service API."""

import pytest
from flask import Flask

from app.models import AuditLog
from tests.api.service.backends import Backend
from tests.clock import Clock
from tests.relying_party import EMAIL, PASSWORD, add_person, log_in


def actions(backend: Backend, query: str = "limit=200") -> list[str]:
    return [each["action"] for each in backend.get(f"/audit?{query}")["records"]]


def test_what_happened_is_listed_and_filtered(app: Flask, backend: Backend, clock: Clock) -> None:
    ada = add_person(app)
    clock.advance(minutes=1)
    before = clock().isoformat().replace("+00:00", "Z")
    log_in(app.test_client(), password="a wrong guess")
    clock.advance(minutes=1)
    log_in(app.test_client())
    assert actions(backend, f"user_id={ada}") == [
        *("account:login:succeeded", "account:login:failed", "account:created"),
    ]
    assert actions(backend, f"user_id={ada}&success=false") == ["account:login:failed"]
    assert actions(backend, f"user_id={ada}&action=account:login:") == actions(backend, f"user_id={ada}")[:2]
    assert actions(backend, f"user_id={ada}&until={before}") == ["account:created"]
    assert "account:created" not in actions(backend, f"user_id={ada}&since={before}")
    assert set(actions(backend, f"client_id={backend.client_id}&success=true")) >= {"oauth:service_token:issued"}
    (failed,) = backend.get(f"/audit?user_id={ada}&success=false")["records"]
    assert (failed["error_code"], failed["sequence"]) == ("wrong_credentials", None)
    assert PASSWORD not in str(failed)
    assert EMAIL not in str(failed)


def test_every_record_is_on_one_page_once_and_reading_is_on_record(app: Flask, backend: Backend, clock: Clock) -> None:
    for number in range(5):
        add_person(app, f"same-{number}@example.com")
    found = backend.all_pages("/audit?action=account:created", "records", 2)
    assert len({each["id"] for each in found}) == len(found) == 6
    with app.app_context():
        query = app.extensions["services"].db.session.query(AuditLog).filter_by(action="audit:read")
        rows = query.all()
    assert len(rows) >= 3
    assert {row.actor for row in rows} == {backend.client_id}
    assert all(row.details["action"] == "account:created" for row in rows)


@pytest.mark.parametrize(
    "query",
    [
        *("since=yesterday", "since=2026-11-30T10:00:00", "since=9999-12-31T23:59:59-14:00", "until=%00"),
        *("action=%27", "action=account%25", "success=perhaps", "user_id=x", "acton=key:created"),
    ],
)
def test_what_is_no_filter_is_refused(backend: Backend, query: str) -> None:
    assert backend.get(f"/audit?{query}", 400)["error"] in {"invalid_input", "invalid_request"}


def test_settings_are_told_without_secrets(app: Flask, backend: Backend) -> None:
    told = {each["variable"]: each["value"] for each in backend.get("/settings")["settings"]}
    assert told["PUBLIC_URL"] == app.extensions["services"].settings.issuer
    secret = app.extensions["services"].settings.secrets.secret_key
    assert secret
    assert secret not in str(told)
