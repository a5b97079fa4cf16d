"""L: the end of an account."""

from tests.account.browsing import Facts
from tests.mailbox import received
from tests.relying_party import EMAIL, PASSWORD, csrf_token, log_in
from tests.security.answers import is_challenged, is_page, is_refused, is_sent_back
from tests.security.parties import Parties, decided


def test_l215_a_deleted_account_leaves_nothing_but_nameless_records(fresh: Parties) -> None:
    """Sessions, tokens, consents, links and reset tokens die; audit rows stay without personal data."""
    third, facts = fresh.third, Facts(fresh.app)
    code = decided(fresh.browser, third.authorize().location).location.partition("code=")[2].partition("&")[0]
    tokens = dict(third.redeem(code).json)
    waiting = third.code()
    stranger = fresh.app.test_client()
    stranger.post("/forgot-password", data={"csrf_token": csrf_token(stranger, "/forgot-password"), "email": EMAIL})
    (reset,) = [mail for mail in received(fresh.app) if mail.template == "reset_password"]
    page = "/account/data/delete"
    form = {"csrf_token": csrf_token(fresh.browser, page), "email": EMAIL}
    assert fresh.browser.post(page, data=form).location == "/account/data"
    fresh.clock.advance(days=15)
    assert fresh.run("users", "purge").output.endswith("Deleted 1.\n")

    is_sent_back(third.authorize(prompt="none"), "login_required")
    is_challenged(third.userinfo(tokens["access_token"]))
    is_refused(third.refresh(tokens["refresh_token"]), "invalid_grant")
    is_refused(third.redeem(waiting), "invalid_grant")
    assert fresh.browser.get("/account").location == "/login?next=/account"
    is_page(fresh.app.test_client().get(reset.path), 410)
    assert log_in(fresh.app.test_client(), password=PASSWORD).status_code == 401
    for table in ("user_sessions", "token_families", "refresh_tokens", "consents", "one_time_tokens", "known_devices"):
        assert facts.one(f"SELECT count(*) FROM {table} WHERE user_id = :id", id=fresh.ada) == 0  # noqa: S608
    records = facts.all("SELECT ip, user_agent, details FROM oauth_audit_logs WHERE user_id = :id", id=fresh.ada)
    assert len(records) > 5
    assert set(records) == {("", "", "{}")}
    assert EMAIL not in str(facts.all("SELECT * FROM oauth_audit_logs"))
