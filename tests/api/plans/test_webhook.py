"""The payment provider's webhook on the wire: signatures first, constant answers, nothing of browsers."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from app.models import AuditLog, BillingEvent
from tests.api.people import refusal
from tests.clock import Clock
from tests.relying_party import EMAIL, add_person, log_in
from tests.services.plans.notices import PLANS, SECRET, body_of, notice, signature

PATH = "/api/v1/billing/webhook"


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, make_app: Callable[..., Flask], open_database: Callable[..., str]) -> Flask:
    return make_app(open_database(request.param), BILLING_WEBHOOK_SECRET=SECRET, BILLING_PLANS=PLANS)


@pytest.fixture
def ada(app: Flask) -> str:
    return add_person(app)


def post(app: Flask, body: bytes, signed: str | None = None, **headers: str) -> TestResponse:
    named = {"X-Signature": signature(body) if signed is None else signed, "X-Event-Name": "x", **headers}
    return app.test_client().post(PATH, data=body, headers=named, content_type=headers.pop("type", "application/json"))


def kept(app: Flask) -> tuple[int, int]:
    """How many notices are known, and how many audit records there are."""
    with app.app_context():
        session = app.extensions["services"].db.session
        counts = [session.scalar(sa.select(sa.func.count()).select_from(table)) for table in (BillingEvent, AuditLog)]
        return counts[0] or 0, counts[1] or 0


def test_a_signed_notice_sets_the_plan(app: Flask, ada: str, clock: Clock) -> None:
    body = body_of(notice(ada, clock.now, name="subscription_created"))
    said = [post(app, body) for _ in range(2)]
    assert [(each.status_code, each.json) for each in said] == [
        (200, {"status": "applied"}),
        (200, {"status": "repeated"}),
    ]
    with app.app_context():
        services = app.extensions["services"]
        assert services.quotas.read(ada).plan == "pro"
        (record,) = services.db.session.execute(
            sa.select(AuditLog.actor, AuditLog.user_id, AuditLog.details).where(
                AuditLog.action == "account:plan:billed"
            )
        )
    assert (record.actor, record.user_id) == ("billing", ada)
    assert record.details["plan"] == "pro"
    assert not [value for value in record.details.values() if EMAIL in str(value)]


def test_what_is_not_signed_so_is_not_read(app: Flask, ada: str, clock: Clock) -> None:
    before, body = kept(app), body_of(notice(ada, clock.now))
    good = signature(body)
    another, none = signature(body, "another secret of 32 characters."), signature(body, "")
    longer = signature(body + b" ")
    for wrong in (
        "",
        "0" * 64,
        good[:-1],
        good + "0",
        good.upper(),
        f"{good} x",
        f"sha256={good}",
        another,
        none,
        longer,
        "\xe9" * 64,
    ):
        refusal(post(app, body, wrong), 403, "invalid_signature")
    assert kept(app) == before


def test_what_is_signed_and_no_notice(app: Flask) -> None:
    before = kept(app)
    nested = b"[" * 100_000
    for body in (
        b"",
        b"[]",
        b"{}",
        b"x",
        b"\xff",
        b'{"meta": {}, "meta": {}}',
        b'{"meta": {"event_name": NaN}}',
        nested,
    ):
        refusal(post(app, body), 400, "invalid_request")
    assert kept(app) == before


def test_other_forms_sizes_and_methods(app: Flask, ada: str, clock: Clock) -> None:
    body = body_of(notice(ada, clock.now))
    as_form = app.test_client().post(
        PATH, data=body, headers={"X-Signature": signature(body)}, content_type="text/plain"
    )
    assert as_form.status_code == 415
    long = b" " * (257 * 1024)
    assert post(app, long).status_code == 413
    for method in ("GET", "PUT", "DELETE"):
        assert app.test_client().open(PATH, method=method).status_code == 405


def test_no_page_of_anybody_sends_it(app: Flask, ada: str, clock: Clock) -> None:
    browser = app.test_client()
    assert log_in(browser).status_code == 303
    body = body_of(notice(ada, clock.now))
    for headers in (
        {"Origin": "https://evil.test"},
        {"Origin": "https://client.example.com"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        sent = {"X-Signature": signature(body), **headers}
        answer = browser.post(PATH, data=body, headers=sent, content_type="application/json")
        refusal(answer, 403, "foreign_origin")
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert kept(app)[0] == 0


def test_without_a_secret_there_is_no_such_address(make_app: Callable[..., Flask], clock: Clock) -> None:
    app = make_app()
    body = body_of(notice(None, clock.now))
    for signed in ("", signature(body), signature(body, "")):
        refusal(post(app, body, signed), 404, "not_found")


def test_it_stands_in_no_document(app: Flask) -> None:
    assert PATH not in app.test_client().get("/api/openapi.json").json["paths"]


def test_many_good_ones_come_from_one_address_and_bad_ones_are_limited(
    make_app: Callable[..., Flask], clock: Clock
) -> None:
    limits = {"RATE_LIMIT_ENABLED": "true", "RATE_LIMIT_DEFAULT": "5/minute"}
    app = make_app(BILLING_WEBHOOK_SECRET=SECRET, BILLING_PLANS=PLANS, **limits)
    good: list[Any] = [post(app, body_of({**notice(None, clock.now), "n": number})).status_code for number in range(20)]
    assert good == [200] * 20
    assert [post(app, b"{}", "0").status_code for _ in range(7)] == [403] * 5 + [429] * 2
    assert post(app, body_of(notice(None, clock.now))).status_code == 200


def test_nothing_secret_or_personal_is_logged(
    app: Flask, ada: str, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    body = body_of(notice(ada, clock.now))
    with caplog.at_level("DEBUG"):
        post(app, body)
        post(app, body, "f" * 64)
        post(app, b'{"meta": {"event_name": "ada@example.com"}}')
    said = "\n".join(f"{line.getMessage()} {vars(line)}" for line in caplog.records if line.name.startswith("portal"))
    for secret in (SECRET, signature(body), EMAIL, "4242", "payment-details"):
        assert secret not in said
