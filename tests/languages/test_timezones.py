"""A time zone is found by what people call where they are, in either language, whatever its database calls it."""

import unicodedata
from datetime import UTC, datetime
from zoneinfo import available_timezones

import pytest

from app.languages import timezones
from app.languages.cities import CITIES
from app.services.people.profiles import require_timezone

WINTER, SUMMER = datetime(2026, 1, 15, 12, tzinfo=UTC), datetime(2026, 7, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("서울", "Asia/Seoul"),
        ("Seoul", "Asia/Seoul"),
        ("  seoul ", "Asia/Seoul"),
        ("ＳＥＯＵＬ", "Asia/Seoul"),
        (unicodedata.normalize("NFD", "서울"), "Asia/Seoul"),  # as a Mac writes names of files
        ("뉴욕", "America/New_York"),
        ("New York", "America/New_York"),
        ("newyork", "America/New_York"),
        ("new_york", "America/New_York"),
        ("로스 앤젤레스", "America/Los_Angeles"),
        ("São Paulo", "America/Sao_Paulo"),
        ("sao paulo", "America/Sao_Paulo"),
        ("St. John's", "America/St_Johns"),
        ("부산", "Asia/Seoul"),
        ("Busan", "Asia/Seoul"),
        ("베이징", "Asia/Shanghai"),
        ("San Francisco", "America/Los_Angeles"),
        ("키이우", "Europe/Kyiv"),
        ("Kiev", "Europe/Kyiv"),
        ("Saigon", "Asia/Ho_Chi_Minh"),
        ("asia/seoul", "Asia/Seoul"),
        ("America/New York", "America/New_York"),
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("US/Pacific", "America/Los_Angeles"),
        ("ROK", "Asia/Seoul"),
        ("Japan", "Asia/Tokyo"),
        ("utc", "UTC"),
        ("GMT", "UTC"),
        ("Etc/UTC", "UTC"),
        ("한국", "Asia/Seoul"),
        ("대한민국", "Asia/Seoul"),
        ("독일", "Europe/Berlin"),
        ("하와이", "Pacific/Honolulu"),
        ("터키", "Europe/Istanbul"),
        ("서울 (UTC+09:00)", "Asia/Seoul"),
        ("New York (UTC-04:00)", "America/New_York"),
        ("New York (UTC-05:00)", "America/New_York"),
        ("Seoul, South Korea", "Asia/Seoul"),
        ("San Jose (UTC-08:00)", "America/Los_Angeles"),
        ("San Jose (UTC-06:00)", "America/Costa_Rica"),
    ],
)
def test_what_people_type_is_understood(typed: str, zone: str) -> None:
    assert timezones.find(typed, WINTER) == timezones.Found(zone)


@pytest.mark.parametrize(
    ("typed", "among", "is_ambiguous"),
    [
        ("미국", "America/Los_Angeles", True),
        ("USA", "America/New_York", True),
        ("United States", "Pacific/Honolulu", True),
        ("호주", "Australia/Sydney", True),
        ("브라질", "America/Sao_Paulo", True),
        ("San Jose", "America/Costa_Rica", True),
        ("Soul", "Asia/Seoul", False),
        ("Tokio", "Asia/Tokyo", False),
        ("서우", "Asia/Seoul", False),
        ("los ang", "America/Los_Angeles", False),
    ],
)
def test_what_is_not_clear_is_asked(typed: str, among: str, is_ambiguous: bool) -> None:
    found = timezones.find(typed, WINTER)
    assert (found.zone, found.is_ambiguous) == (None, is_ambiguous)
    assert among in found.proposals
    assert len(found.proposals) <= timezones.MOST_PROPOSALS


@pytest.mark.parametrize(
    "typed",
    ["", " ", "!", "Mars/Olympus", "../../etc/passwd", "Factory", "localtime", "Etc/GMT+9", "x" * 5000, "(UTC+09:00)"],
)
def test_what_is_nowhere_is_nothing(typed: str) -> None:
    assert timezones.find(typed, WINTER) == timezones.Found(None)


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("shown_at", [WINTER, SUMMER])
def test_whatever_is_shown_leads_to_its_zone_also_half_a_year_later(language: str, shown_at: datetime) -> None:
    zones = set()
    for label, _ in timezones.choices(language, shown_at):
        zone = timezones.find(label, shown_at).zone
        assert zone, label
        zones.add(zone)
    assert len(zones) > 400
    for zone in zones:
        label = timezones.label(zone, language, shown_at)
        assert timezones.find(label, WINTER).zone == timezones.find(label, SUMMER).zone == zone


def test_every_name_of_the_database_that_is_a_place_leads_somewhere_the_profile_takes() -> None:
    lost = [name for name in available_timezones() if "/" in name and not timezones.find(name, WINTER).zone]
    assert all(name.startswith("Etc/") for name in lost), lost
    for label, _ in timezones.choices("ko", WINTER):
        zone = timezones.find(label, WINTER).zone or ""
        assert require_timezone(zone) == zone


def test_korean_names_are_korean() -> None:
    labels = [label for label, _ in timezones.choices("ko", WINTER)]
    latin = [label for label in labels if label.partition(" (")[0].isascii()]
    assert set(latin) <= {"UTC", "Coyhaique (UTC-03:00)"}  # CLDR has no Korean name for the latter yet
    assert dict(timezones.choices("ko", WINTER))["뉴욕 (UTC-05:00)"] == "New York · 미국"
    assert dict(timezones.choices("en", WINTER))["Seoul (UTC+09:00)"] == "서울 · South Korea"


def test_cities_of_the_table_are_in_zones_that_are_there() -> None:
    for zone, names in CITIES.items():
        assert timezones.current_name(zone) == zone
        for english, korean in names:
            for name in (english, korean):
                found = timezones.find(name, WINTER)
                assert zone in (found.zone, *found.proposals), name


def test_an_offset_of_minutes_and_one_behind_are_written_out() -> None:
    assert timezones.label("Asia/Kolkata", "ko", WINTER) == "콜카타 (UTC+05:30)"
    assert timezones.label("America/St_Johns", "en", WINTER) == "St. John’s (UTC-03:30)"
    assert timezones.label("UTC", "ko", WINTER) == "UTC"
    assert timezones.label("Asia/Calcutta", "en", WINTER) == "Kolkata (UTC+05:30)"
    assert timezones.label("Nowhere/Land", "en", WINTER) == "Nowhere/Land"
