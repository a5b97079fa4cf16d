"""How clients and the portal fare over time: what was counted, what nobody uses, and what is never said too early."""

import json
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import UsageHour
from app.services.record.usage import EVERYBODY, KEPT, Use
from tests.api.service.backends import Backend
from tests.cli.test_commands import run
from tests.clock import Clock
from tests.relying_party import REDIRECT_URI, RelyingParty, add_client, add_person, log_in

CLIENT_ID = "web"
OTHER_URI = f"{REDIRECT_URI}/other"


@pytest.fixture
def party(app: Flask) -> RelyingParty:
    """A client whose person is logged in."""
    add_person(app)
    scopes = ["openid", "email", "profile", "offline_access"]
    add_client(app, CLIENT_ID, scopes=scopes, redirects=[REDIRECT_URI, OTHER_URI])
    party = RelyingParty(app.test_client(), CLIENT_ID)
    log_in(party.browser)
    return party


def written(app: Flask) -> list[UsageHour]:
    """All rows, with what was pending."""
    with app.app_context():
        services = app.extensions["services"]
        services.usage.write()
        return list(services.db.session.scalars(sa.select(UsageHour)))


def health(app: Flask, backend: Backend, client_id: str = CLIENT_ID) -> Any:
    written(app)
    return backend.get(f"/clients/{client_id}/health")


def test_what_succeeds_and_fails_is_counted_by_its_cause(app: Flask, backend: Backend, party: RelyingParty) -> None:
    tokens = party.tokens(scope="openid email offline_access")
    party.refresh(tokens["refresh_token"])
    for _ in range(2):
        assert party.redeem("x" * 43).status_code == 400
    assert party.redeem(party.code(), code_verifier="y" * 43).status_code == 400
    assert RelyingParty(app.test_client(), CLIENT_ID).authorize(prompt="none").status_code == 302
    found = health(app, backend)
    for span in ("24h", "7d", "30d"):
        fared = found["spans"][span]
        assert fared["issued"] == {"authorization_code": 1, "refresh_token": 1}
        assert (fared["successes"], fared["failed"]) == (2, 3)
        assert [(each["cause"], each["error"], each["count"]) for each in fared["failures"]] == [
            ("code_unknown", "invalid_grant", 2),
            ("verifier", "invalid_grant", 1),
        ]
        assert fared["failures"][0]["sentence"].startswith("This client was never given the code")
        assert fared["declined"] == {"login_required": 1}
    assert found["last_failure"]["cause"] == "verifier"
    assert found["last_success"]["name"] in {"authorization_code", "refresh_token"}
    used = {each["name"] for kind in ("scopes", "redirect_uris") for each in found[kind] if each["last_at"]}
    assert used == {"openid", "email", "profile", "offline_access", REDIRECT_URI}
    assert (found["open_sessions"], found["living_grants"], found["consents"]) == (1, 1, 0)
    # Nothing is unused before somebody has looked for so long.
    assert found["is_known_long_enough"] is False
    assert [each["code"] for each in found["recommendations"]] == ["failing"]
    command = run(app, "clients", "health", CLIENT_ID)
    assert "2 × token invalid_grant: This client was never given the code" in command
    assert json.loads(run(app, "clients", "health", CLIENT_ID, "--json"))["spans"]["24h"]["failures"][0]["count"] == 2


def test_what_nobody_used_in_thirty_days_is_named(
    app: Flask, backend: Backend, party: RelyingParty, clock: Clock
) -> None:
    party.tokens(scope="openid")
    written(app)
    clock.advance(days=31)
    log_in(party.browser)
    party.tokens(scope="openid")
    later = Backend(app, client_id="later")
    found = health(app, later)
    assert found["is_known_long_enough"] is True
    advised = {each["code"]: each["remove"] for each in found["recommendations"]}
    assert advised == {
        "unused_scopes": {"allowed_scopes": ["email", "profile", "offline_access"]},
        "unused_grants": {"grant_types": ["refresh_token"]},
        "unused_redirect_uris": {"redirect_uris": [OTHER_URI]},
    }
    clock.advance(days=31)
    idle = health(app, Backend(app, client_id="much-later"))
    # A client that does nothing is named as a whole, rather than all that it has.
    assert [(each["code"], each["change"]) for each in idle["recommendations"]] == [
        ("unused_client", {"is_active": False})
    ]
    with app.app_context():
        services = app.extensions["services"]
        clock.advance(seconds=KEPT.total_seconds())
        services.usage.trim()
        assert services.usage.since() is not None
    assert {each.kind for each in written(app) if each.client_id == CLIENT_ID} == set()


def test_secrets_that_are_old_or_end_are_named(app: Flask, clock: Clock) -> None:
    add_client(app, CLIENT_ID, is_confidential=True)
    clock.advance(days=366)
    backend = Backend(app)
    assert [each["code"] for each in health(app, backend)["recommendations"]] == ["old_secret"]
    backend.done("POST", f"/clients/{CLIENT_ID}/regenerate-secret", {"overlap_seconds": 86400})
    found = health(app, backend)
    assert [each["code"] for each in found["recommendations"]] == ["secret_ends"]
    assert len(found["secrets"]) == 2
    ending = backend.get("/statistics/over-time")["ending"]
    assert [(each["kind"], each["of"]) for each in ending if each["kind"] == "secret"] == [("secret", CLIENT_ID)]


def test_a_client_that_is_registered_anew_has_nothing_of_the_one_before(
    app: Flask, backend: Backend, party: RelyingParty, clock: Clock
) -> None:
    party.tokens(scope="openid")
    assert health(app, backend)["last_success"]
    run(app, "clients", "delete", CLIENT_ID, "--yes")
    clock.advance(seconds=10)
    add_client(app, CLIENT_ID)
    found = health(app, backend)
    assert (found["last_success"], found["spans"]["30d"]["successes"]) == (None, 0)
    backend.get("/clients/nobody/health", 404)


def test_what_strangers_send_makes_no_rows_of_their_own(app: Flask, backend: Backend, party: RelyingParty) -> None:
    for number in range(5):
        stranger = RelyingParty(app.test_client(), f"made-up-{number}")
        assert stranger.redeem("x" * 43).status_code == 401
    party.authorize(scope="openid SECRET-secret", redirect_uri=REDIRECT_URI)
    rows = written(app)
    assert {each.client_id for each in rows} <= {EVERYBODY, CLIENT_ID, backend.client_id}
    assert not any("SECRET" in each.name or "made-up" in each.name for each in rows)
    (refused,) = [each for each in rows if each.kind == Use.REFUSAL and each.client_id == EVERYBODY]
    assert (refused.count, refused.name.split(":")[:2]) == (5, ["token", "invalid_client"])


def test_the_portal_over_time(app: Flask, backend: Backend, party: RelyingParty, clock: Clock) -> None:
    assert log_in(app.test_client(), password="wrong horse 77").status_code == 401
    party.tokens(scope="openid")
    party.redeem("x" * 43)
    with app.app_context():
        app.extensions["services"].statistics_over_time.note()
    written(app)
    clock.advance(hours=2)
    found = Backend(app, client_id="later").get("/statistics/over-time")
    assert (len(found["hours"]), len(found["days"])) == (24, 30)
    then, now = found["hours"][-3], found["hours"][-1]
    assert (then["logins"], then["failed_logins"]) == ({"password": 1}, {"wrong_credentials": 1})
    assert then["tokens"]["authorization_code"] == 1
    assert then["refusals"] == {"token": 1}
    assert (then["open_sessions"], now["open_sessions"]) == (1, None)
    assert now["logins"] == {}
    assert sum(sum(each["logins"].values()) for each in found["days"]) == 1
    (refused,) = found["refused"]["24h"]
    assert (refused["client_id"], refused["cause"], refused["count"]) == (CLIENT_ID, "code_unknown", 1)
    assert [each["count"] for each in found["refused"]["30d"]] == [1]
    assert found["counted_since"] is not None
    assert "logins 1" in run(app, "metrics", "figures")
    assert len(json.loads(run(app, "metrics", "figures", "--json"))["days"]) == 30


def test_what_cannot_be_written_now_is_written_later(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        services = app.extensions["services"]
        services.usage.write()
        services.usage.count(EVERYBODY, Use.LOGIN, "password", by=3)
        with monkeypatch.context() as broken:
            broken.setattr(services.db, "commit", lambda: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                services.usage.write()
        services.usage.count(EVERYBODY, Use.LOGIN, "password")
        services.usage.write()
        services.usage.count(EVERYBODY, Use.LOGIN, "password", "x" * 101)
        services.usage.write()
        wanted = sa.select(UsageHour.count).where(UsageHour.kind == Use.LOGIN.value)
        assert list(services.db.session.scalars(wanted)) == [5]
