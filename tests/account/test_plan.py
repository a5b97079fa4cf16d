"""The page of one's plan: what counts, until when, what is left, and what it went into."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.account.browsing import english, shown
from tests.clock import Clock
from tests.relying_party import add_client, add_person, log_in

PATH = "/account/plan"


@pytest.fixture
def act(app: Flask, ada: str) -> Callable[..., Any]:
    """Does something with the services, as one transaction."""

    def do(what: Callable[[Any], Any]) -> Any:
        with app.app_context():
            services = app.extensions["services"]
            result = what(services)
            services.db.commit()
            return result

    return do


def take(act: Callable[..., Any], user_id: str, amount: int, key: str | None = None, client_id: str = "maxlab") -> None:
    act(lambda services: services.quotas.consume(user_id, amount, client_id=client_id, key=key))


def test_a_new_account_is_told_what_it_has(browser: FlaskClient) -> None:
    page = shown(browser.get(PATH))
    assert '<h2 id="plan">Free</h2>' in page
    for words in ("0 of 100 used", "100 left", "Starts over on", "Nothing was used yet.", "KST"):
        assert words in page
    assert "Change plan" not in page
    assert "0 of 100 used" in shown(browser.get("/account"))


def test_what_was_used_is_a_number_and_a_bar(browser: FlaskClient, act: Callable[..., Any], ada: str) -> None:
    def bar() -> str:
        found = re.search(r"<progress [^>]*>", shown(browser.get(PATH)))
        assert found
        return found[0]

    act(lambda services: services.administration.set_plan(ada, "pro"))
    take(act, ada, 120)
    page = shown(browser.get(PATH))
    assert "120 of 1,000 used" in page
    assert "880 left" in page
    assert 'max="1000" value="120"' in bar()
    assert "usage-low" not in bar()
    take(act, ada, 800)
    assert "usage-low" in bar()
    act(lambda services: services.administration.set_plan(ada, "free"))
    page = shown(browser.get(PATH))
    assert "920 of 100 used" in page
    assert "Nothing is left this month." in page
    assert 'max="100" value="100"' in bar()
    assert "usage-none" in bar()
    act(lambda services: services.administration.set_plan(ada, "enterprise"))
    page = shown(browser.get(PATH))
    assert "920 used, without a limit" in page
    assert "<progress" not in page


def test_a_plan_says_how_it_stands(browser: FlaskClient, act: Callable[..., Any], ada: str, clock: Clock) -> None:
    end = clock.now + timedelta(minutes=30)
    act(lambda services: services.administration.set_plan(ada, "pro", status="cancelled", ends_at=end))
    page = shown(browser.get(PATH))
    assert '<h2 id="plan">Pro</h2>' in page
    for words in ("Cancelled", "Ends on", "Since"):
        assert words in page
    clock.advance(minutes=30)
    page = shown(browser.get(PATH))
    assert '<h2 id="plan">Free</h2>' in page
    assert "Pro ended on" in page
    assert "Cancelled" not in page
    act(lambda services: services.administration.set_plan(ada, "pro", status="expired"))
    assert "Pro has ended." in shown(browser.get(PATH))
    act(lambda services: services.overrides.add(ada, plan="studio", reason="secret of the operator"))
    page = shown(browser.get(PATH))
    assert '<h2 id="plan">Studio</h2>' in page
    assert "Studio was granted to you." in page
    assert "secret of the operator" not in page
    act(
        lambda services: services.overrides.add(ada, monthly_limit=7, ends_at=clock.now + timedelta(days=9), reason="x")
    )
    page = shown(browser.get(PATH))
    assert "The monthly limit was set for you until" in page
    assert "0 of 7 used" in page


def test_what_it_went_into_is_told_in_parts(
    app: Flask, browser: FlaskClient, act: Callable[..., Any], ada: str, clock: Clock
) -> None:
    add_client(app, "notes", name="<b>Weather</b> Notes")
    for number in range(60):
        clock.advance(seconds=1)
        take(act, ada, 1, f"job-{number}", "notes")
    act(lambda services: services.quotas.release(ada, "job-59", client_id="notes"))
    other = add_person(app, "kim@example.com")
    take(act, other, 77)
    first = browser.get(PATH)
    assert first.text.count("<li>") >= 50
    assert "&lt;b&gt;Weather&lt;/b&gt; Notes" in first.text
    assert "<b>Weather" not in first.text
    page = shown(first)
    assert page.count("1 used") >= 50
    assert page.count("1 given back") == 1
    assert "77 used" not in page
    (after,) = re.findall(r'href="(/account/plan\?after=[^"]+)"', first.text)
    second = shown(browser.get(after))
    assert second.count("1 used") == 10
    assert 'id="plan"' not in second
    assert browser.get(f"{PATH}?after=x").status_code == 400


def test_the_way_to_a_larger_plan(make_app: Callable[..., Flask]) -> None:
    app = make_app(BILLING_UPGRADE_URL="https://shop.example.com/buy?checkout[custom][user_id]={user_id}&x=1")
    ada = add_person(app)
    browser = english(app)
    log_in(browser)
    page = browser.get(PATH).text
    address = f"https://shop.example.com/buy?checkout[custom][user_id]={ada}&amp;x=1"
    assert f'href="{address}" target="_blank" rel="noopener noreferrer"' in page


def test_it_is_for_who_is_logged_in(app: Flask) -> None:
    answer = app.test_client().get(PATH)
    assert answer.status_code == 303
    assert answer.location.startswith("/login")


def test_in_korean(app: Flask, ada: str, act: Callable[..., Any]) -> None:
    browser = app.test_client()
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "ko"
    log_in(browser)
    take(act, ada, 30)
    page = shown(browser.get(PATH))
    for words in ("요금제와 사용량", "100 중 30 사용", "70 남음", "사용 내역", "MAX Lab"):
        assert words in page


def test_all_of_it_is_in_the_export_and_goes_with_the_account(
    app: Flask, browser: FlaskClient, act: Callable[..., Any], ada: str, facts: Any
) -> None:
    take(act, ada, 30, "job-1")
    act(lambda services: services.overrides.add(ada, plan="studio", reason="a fair"))
    made = browser.get("/account/data/export.json").json
    assert made["account"]["effective_plan"] == "studio"
    assert not {"quota_used", "quota_resets_at"} & made["account"].keys()
    assert [each["used"] for each in made["quota"]] == [30]
    assert [(each["client_id"], each["amount"]) for each in made["quota_uses"]] == [("maxlab", 30)]
    assert [(each["plan"], each["reason"]) for each in made["plan_overrides"]] == [("studio", "a fair")]
    assert made["subscriptions"] == []
    assert "job-1" not in str(made)
    assert not any(
        "hash" in name for section in made.values() if isinstance(section, list) for row in section for name in row
    )
    assert "Usage history" in shown(browser.get("/account/data/export"))
    act(lambda services: services.administration.delete(ada))
    for table in ("quotas", "quota_uses", "plan_overrides"):
        assert facts.one(f"SELECT count(*) FROM {table}") == 0  # noqa: S608
