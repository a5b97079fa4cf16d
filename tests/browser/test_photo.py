"""A photo in Chromium: seen before it is sent, sent small, seen everywhere afterwards, and without script as well."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import Person, log_in, new_person
from tests.browser.test_pages import DESKTOP, hold_rules_of_all_pages
from tests.chromium import Windows
from tests.pictures import BLUE, RED, encoded, photograph, plain
from tests.portal import Portal

PROFILE = "/account/profile"
FIELD = "input[name=photo]"
FILE = "document.querySelector('input[name=photo]').files[0]"
LOOK_INTO = f"((file) => file.text().then((text) => [file.name, text.includes('Spycam')]))({FILE})"
"""Its name, and whether it says which camera took it; the script may put another in its place meanwhile."""
SAVE = "form.profile button.btn-primary"


@pytest.fixture
def person(live_portal: Portal) -> Person:
    return new_person(live_portal)


def enter(window: Page, person: Person) -> None:
    window.goto(PROFILE)
    log_in(window, person)
    window.wait_for_url(PROFILE)


def choose(window: Page, tmp_path: Path, data: bytes, name: str = "me.png") -> None:
    (tmp_path / name).write_bytes(data)
    window.locator(FIELD).set_input_files(tmp_path / name)


def saved(window: Page) -> None:
    with window.expect_navigation():
        window.locator(SAVE).click()
    expect(window.locator(".note-success")).to_be_visible()


def is_shown(window: Page, place: str) -> bool:
    """Whether a picture is there and was loaded."""
    image = window.locator(f"{place} img").first
    expect(image).to_be_attached()
    return bool(image.evaluate("async (image) => { await image.decode(); return image.naturalWidth > 0 }"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_photo_is_chosen_seen_saved_replaced_and_removed(
    windows: Windows, live_portal: Portal, person: Person, tmp_path: Path, scheme: str
) -> None:
    window = windows.open(base_url=live_portal.url, locale="ko-KR", viewport=DESKTOP, color_scheme=scheme)
    enter(window, person)
    expect(window.locator("#photo-shown img")).to_have_count(0)
    with window.expect_file_chooser() as chooser:
        window.locator(".photo-choice label").click()
    (tmp_path / "trip.jpg").write_bytes(photograph())
    chooser.value.set_files(tmp_path / "trip.jpg")
    expect(window.locator("#photo-shown img")).to_be_attached()
    expect(window.locator(".photo-name")).to_contain_text("trip.jpg")
    assert is_shown(window, "#photo-shown")
    window.locator("textarea").fill("사진과 함께")
    hold_rules_of_all_pages(window, "a photo that is chosen")
    saved(window)
    expect(window.locator("textarea")).to_have_value("사진과 함께")
    for place in ("#photo-shown", ".person-menu summary"):
        assert is_shown(window, place)
    first = window.locator("#photo-shown img").get_attribute("src")
    hold_rules_of_all_pages(window, "a profile with a photo")
    for path, place in (("/account", ".who"), ("/select-account", ".choices"), ("/logout", ".person")):
        window.goto(path)
        assert is_shown(window, place), path
    window.goto(PROFILE)
    choose(window, tmp_path, encoded(plain(BLUE)))
    expect(window.locator(".photo-name")).to_contain_text("me.png")
    saved(window)
    assert window.locator("#photo-shown img").get_attribute("src") != first
    window.locator("input[name=remove_photo]").check()
    saved(window)
    expect(window.locator("#photo-shown img")).to_have_count(0)
    expect(window.locator("input[name=remove_photo]")).to_have_count(0)


def test_of_a_large_photo_what_is_used_is_sent_and_nothing_of_where_it_was_taken(
    windows: Windows, live_portal: Portal, person: Person, tmp_path: Path
) -> None:
    window = windows.open(base_url=live_portal.url, locale="en-US", viewport=DESKTOP)
    enter(window, person)
    choose(window, tmp_path, photograph() + bytes(12_000_000), "large.jpg")
    saved(window)  # at once: what is made of it is waited for, the whole of it would be refused
    assert is_shown(window, "#photo-shown")
    choose(window, tmp_path, photograph(), "small.jpg")
    seen = [window.evaluate(LOOK_INTO)]
    while seen[-1][0] != "photo.jpg" and len(seen) < 100:
        window.wait_for_timeout(50)
        seen.append(window.evaluate(LOOK_INTO))
    assert seen[-1] == ["photo.jpg", False]


def test_what_is_no_picture_is_said_beside_it_and_the_rest_stays(
    windows: Windows, live_portal: Portal, person: Person, tmp_path: Path
) -> None:
    windows.expect("status of 400")
    window = windows.open(base_url=live_portal.url, locale="en-US", viewport=DESKTOP)
    enter(window, person)
    window.locator("textarea").fill("typed before")
    choose(window, tmp_path, b"<svg xmlns='http://www.w3.org/2000/svg'/>", "me.svg")
    with window.expect_navigation():
        window.locator(SAVE).click()
    expect(window.locator("#photo-error")).to_contain_text("not a picture that can be used")
    expect(window.locator("textarea")).to_have_value("typed before")
    hold_rules_of_all_pages(window, "a photo that is refused")
    choose(window, tmp_path, encoded(plain(RED)))
    saved(window)
    expect(window.locator("textarea")).to_have_value("typed before")


def test_what_can_only_be_refused_for_its_size_is_not_sent(
    windows: Windows, live_portal: Portal, person: Person, tmp_path: Path
) -> None:
    window = windows.open(base_url=live_portal.url, locale="en-US", viewport=DESKTOP)
    enter(window, person)
    choose(window, tmp_path, bytes(12_000_000), "film.png")
    expect(window.locator(".photo-name")).to_contain_text("too large")
    window.locator("textarea").fill("typed")
    saved(window)
    expect(window.locator("textarea")).to_have_value("typed")


def test_without_script_it_is_the_same(windows: Windows, live_portal: Portal, person: Person, tmp_path: Path) -> None:
    window = windows.open(base_url=live_portal.url, locale="en-US", java_script_enabled=False, viewport=DESKTOP)
    enter(window, person)
    expect(window.locator(FIELD)).to_be_visible()
    choose(window, tmp_path, encoded(plain(RED)))
    saved(window)
    expect(window.locator("#photo-shown img")).to_be_visible()
    window.locator("input[name=remove_photo]").check()
    saved(window)
    expect(window.locator("#photo-shown img")).to_have_count(0)


def test_a_choice_that_is_taken_back_shows_what_was_there(
    windows: Windows, live_portal: Portal, person: Person, tmp_path: Path
) -> None:
    window = windows.open(base_url=live_portal.url, locale="en-US", viewport=DESKTOP)
    enter(window, person)
    initials = window.locator("#photo-shown").inner_text()
    choose(window, tmp_path, encoded(plain(RED)))
    expect(window.locator("#photo-shown img")).to_be_attached()
    window.locator(FIELD).set_input_files([])
    expect(window.locator("#photo-shown img")).to_have_count(0)
    assert window.locator("#photo-shown").inner_text() == initials


def test_a_city_is_chosen_among_those_that_may_be_meant(windows: Windows, live_portal: Portal, person: Person) -> None:
    windows.expect("status of 400")
    window = windows.open(base_url=live_portal.url, locale="ko-KR", viewport=DESKTOP)
    enter(window, person)
    field = window.locator("input[name=timezone]")
    expect(field).to_have_value("서울 (UTC+09:00)")
    field.fill("미국")
    with window.expect_navigation():
        window.locator(SAVE).click()
    expect(window.locator("#timezone-error")).to_be_visible()
    hold_rules_of_all_pages(window, "time zones that may be meant")
    window.get_by_label("시카고").check()
    saved(window)
    expect(field).to_have_value("시카고 (UTC-06:00)" if "-06" in field.input_value() else "시카고 (UTC-05:00)")
    field.fill("런던")
    saved(window)
    assert field.input_value().startswith("런던 (UTC")
