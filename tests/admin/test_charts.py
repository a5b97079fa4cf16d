"""Where the bars of charts stand, and the first page of the administration that shows them."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.admin.charts import Chart, Series, round_up
from app.models import UsageHour
from app.services.record.usage import Use
from tests.account.browsing import shown
from tests.admin.offices import administrator
from tests.clock import Clock


@pytest.mark.parametrize(
    ("most", "top"), [(0, 1), (1, 1), (2, 2), (3, 5), (6, 10), (10, 10), (11, 20), (99, 100), (501, 1000)]
)
def test_the_upper_edge_is_a_round_number(most: int, top: int) -> None:
    assert round_up(most) == top


def test_bars_stand_on_each_other_and_what_is_unknown_has_none() -> None:
    good, bad = Series("Good", "main", (5, 0, None)), Series("Bad", "danger", (3, 0, None))
    chart = Chart("x", "X", ("a", "b", "c"), (good, bad))
    assert (chart.sums, chart.most, chart.top, chart.highest, good.total) == ([8, 0, None], 8, 10, "a", 5)
    lower, upper = chart.bars
    assert (lower.y, lower.height, upper.y, upper.height) == (50.0, 50.0, 20.0, 30.0)
    assert lower.x == upper.x
    assert lower.x + lower.width < 100 / 3


def test_nothing_is_no_chart() -> None:
    chart = Chart("x", "X", ("a",), (Series("Good", "main", (0,)),))
    assert (chart.bars, chart.highest, chart.top) == ([], None, 1)


def counted(app: Flask, clock: Clock, *rows: tuple[Use, str, str, int]) -> None:
    """Have been counted in this hour: what, of which client, under which name, how often."""
    now = clock()
    with app.app_context():
        services = app.extensions["services"]
        services.usage.write()
        services.db.session.execute(
            sa.insert(UsageHour),
            [
                {"hour": now.replace(minute=0, second=0, microsecond=0), "client_id": client, "kind": use.value}
                | {"name": name, "count": count, "last_at": now}
                for use, client, name, count in rows
            ],
        )
        services.db.session.commit()


def test_the_first_page_tells_what_was_counted_in_words_and_numbers(app: Flask, clock: Clock) -> None:
    browser = administrator(app)
    counted(
        app,
        clock,
        (Use.LOGIN, "", "google", 1234),
        (Use.LOGIN_FAILED, "", "wrong_credentials", 56),
        (Use.REFUSAL, "shop", "token:invalid_grant:code_used", 78),
        (Use.REFUSED_IN_DAY, "<b>", "token:invalid_grant:gone", 91),
    )
    page = shown(browser.get("/admin"))
    for text in ("1,23", "Wrong e-mail or password", "56 times", "shop", "invalid_grant", "78 times", 'role="img"'):
        assert text in page, text
    assert "91 times" not in page
    month = shown(browser.get("/admin?span=month"))
    assert "91 times" in month
    assert "<b>" not in browser.get("/admin?span=month").text
    assert "78 times" not in month
    for odd in ("?span=", "?span=week", "?span=day&span=month", "?span=%00"):
        answer = browser.get(f"/admin{odd}")
        assert answer.status_code in {200, 400}, odd


@pytest.mark.parametrize(
    ("part", "told", "untold"),
    [
        ("admin:clients", ["Refused most often"], ["Mails"]),
        ("admin:users", [], ["Refused most often", "Mails", "Client secret"]),
        ("admin:system", ["Refused most often", "Mails"], ["Client secret"]),
    ],
)
def test_lesser_administrators_are_told_of_their_part(
    app: Flask, part: str, told: list[str], untold: list[str]
) -> None:
    with app.app_context():
        services = app.extensions["services"]
        services.clients.create("shop", is_confidential=True, redirects=["https://shop.example.com/cb"])
        services.db.session.execute(sa.text("UPDATE client_secrets SET expires_at = :at"), {"at": _soon(app)})
        services.db.session.commit()
    page = shown(administrator(app, part).get("/admin"))
    assert [text for text in told if text not in page] == []
    assert [text for text in untold if text in page] == []
    assert ("Client secret" in page) is (part == "admin:clients")


def _soon(app: Flask) -> str:
    return (app.extensions["services"].clock() + timedelta(days=3)).strftime("%Y-%m-%d %H:%M:%S.%f")
