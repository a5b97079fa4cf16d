"""Pages with buttons of identity providers, as they are seen, read aloud, and used by the keyboard alone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import hold_accessibility
from tests.browser.people import Person, log_in, new_person, sent_by
from tests.browser.test_account_pages import OUTSIDE, OVERLAPS, SQUEEZED
from tests.browser.test_pages import SCROLLS_SIDEWAYS
from tests.browser.test_popup import NOBODY, SCROLLS_DOWN, SEND, SIZE
from tests.chromium import Windows
from tests.databases import SqliteDatabases, running_portal
from tests.portal import Portal
from tests.providers import NOBODY_THERE
from tests.web.test_in_app_browsers import INSIDE

SIZES = {"desk": (1280, 800), "popup": (500, 600), "phone": (360, 740), "narrow": (320, 640)}
LARGE = [("text twice as large", (360, 740)), ("zoomed fourfold", (320, 256))]
PATHS = ("/login", "/register")
OF_ONES_OWN = ("/account/identities", "/account/security")
BUTTONS = "a.provider"
NAMES = {"ko-KR": ["kakao", "naver", "google", "discord"], "en-US": ["google", "discord", "kakao", "naver"]}


@pytest.fixture(scope="module")
def live_portal(sqlite_databases: SqliteDatabases) -> Iterator[Portal]:
    """A portal with the four providers and one more."""
    with running_portal(sqlite_databases, **NOBODY_THERE) as portal:
        yield portal


@pytest.fixture(scope="module")
def portal_of_four(sqlite_databases: SqliteDatabases) -> Iterator[Portal]:
    """A portal with the four."""
    with running_portal(sqlite_databases, **{**NOBODY_THERE, "OIDC_PROVIDERS": ""}) as portal:
        yield portal


@pytest.fixture(scope="module")
def person(live_portal: Portal) -> Person:
    return new_person(live_portal)


@pytest.fixture(params=["ko-KR", "en-US"])
def locale(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def window(windows: Windows, live_portal: Portal, locale: str) -> Page:
    """A window in which Kakao was used last."""
    opened = windows.open(base_url=live_portal.url, locale=locale)
    opened.context.add_cookies([{"name": "last_provider", "value": "kakao", "url": live_portal.url}])
    return opened


def hold_layout(window: Page, what: str) -> None:
    assert not window.evaluate(SCROLLS_SIDEWAYS), what
    assert window.evaluate(OUTSIDE) == [], what
    assert window.evaluate(OVERLAPS) == [], what


def enter(window: Page, person: Person) -> None:
    window.goto("/login")
    log_in(window, person)
    window.wait_for_url("**/")


@pytest.mark.parametrize("size", SIZES)
def test_the_pages_are_whole_and_said_in_every_size(window: Page, person: Person, size: str) -> None:
    width, height = SIZES[size]
    window.set_viewport_size({"width": width, "height": height})
    for path in PATHS:
        window.goto(path)
        hold_layout(window, f"{path}, {size}")
        hold_accessibility(window, f"{path}, {size}")
        boxes = [button.bounding_box() for button in window.locator(BUTTONS).all()]
        widths = {round(box["width"]) for box in boxes if box}
        assert len(boxes) == 5
        assert len(widths) == 1, (path, size, widths)
        assert min(box["height"] for box in boxes if box) >= 44
    enter(window, person)
    for path in OF_ONES_OWN:
        window.goto(path)
        hold_layout(window, f"{path}, {size}")
        hold_accessibility(window, f"{path}, {size}")


@pytest.mark.parametrize(("how", "size"), LARGE)
def test_nothing_is_cut_off_where_all_is_large(window: Page, person: Person, how: str, size: tuple[int, int]) -> None:
    width, height = size
    window.set_viewport_size({"width": width, "height": height})
    enter(window, person)
    for path in ("/login?switch=1", "/register?switch=1", *OF_ONES_OWN):
        window.goto(path)
        if how == "text twice as large":
            window.evaluate("document.documentElement.style.fontSize = '200%'")
        hold_layout(window, f"{path}, {how}")
        # A short word on a button that is as high as a finger is no column of letters.
        assert [each for each in window.evaluate(SQUEEZED) if not each.startswith(("<a ", "<button "))] == []


@pytest.mark.parametrize("browser", ["wide", "narrow"], indirect=True)
def test_the_popup_shows_four_providers_and_the_form_without_scrolling(
    windows: Windows, portal_of_four: Portal, locale: str
) -> None:
    start = sent_by(portal_of_four, f"popup-{locale.lower()}-{id(windows)}")
    for status in (400, 401):
        windows.expect(f"status of {status}")
    popup = windows.open(base_url=portal_of_four.url, locale=locale, viewport=SIZE)
    popup.context.add_cookies([{"name": "last_provider", "value": "kakao", "url": portal_of_four.url}])
    for path in ("/login", f"{start}&display=popup"):
        popup.goto(path)
        expect(popup.locator(BUTTONS)).to_have_count(4)
        expect(popup.locator("form[data-once] .btn-primary")).to_be_in_viewport(ratio=1)
        assert not popup.evaluate(SCROLLS_DOWN), path
        popup.locator(SEND).click()
        expect(popup.locator("#password-error")).to_be_visible()
        popup.wait_for_load_state("load")
        assert not popup.evaluate(SCROLLS_DOWN), f"{path}, with nothing typed"
        log_in(popup, NOBODY)
        expect(popup.locator(".note-danger:not(.repeats)")).to_be_visible()
        popup.wait_for_load_state("load")
        assert not popup.evaluate(SCROLLS_DOWN), f"{path}, with a wrong password"
        hold_accessibility(popup, path)


def test_the_keyboard_reaches_each_and_shows_where_it_is(window: Page, locale: str) -> None:
    window.goto("/login")
    window.locator("h1").click()
    reached = []
    for _ in range(5):
        window.keyboard.press("Tab")
        at = window.evaluate("[document.activeElement.href, getComputedStyle(document.activeElement).outlineWidth]")
        assert at[1] == "3px"
        reached.append(at[0].rpartition("/")[2])
    assert reached == [*NAMES[locale], "acme"]
    window.keyboard.press("Tab")
    expect(window.locator("input[name=email]")).to_be_focused()


def test_they_are_links_without_script(windows: Windows, live_portal: Portal, locale: str) -> None:
    window = windows.open(base_url=live_portal.url, locale=locale, java_script_enabled=False)
    window.goto("/login?next=/terms")
    links = [link.get_attribute("href") for link in window.locator(BUTTONS).all()]
    assert links == [f"/auth/{name}?next=/terms" for name in [*NAMES[locale], "acme"]]


@pytest.mark.parametrize("app", ["KakaoTalk", "Instagram"])
def test_the_way_out_of_an_app_is_whole_and_said(windows: Windows, live_portal: Portal, locale: str, app: str) -> None:
    for user_agent in INSIDE[app]:
        window = windows.open(
            base_url=live_portal.url, locale=locale, user_agent=user_agent, viewport={"width": 360, "height": 740}
        )
        for path in PATHS:
            window.goto(path)
            expect(window.locator(".outside code")).to_have_text(f"{live_portal.url}{path}")
            expect(window.locator(".outside [data-copy]")).to_be_visible()
            hold_layout(window, f"{path}, {app}")
            hold_accessibility(window, f"{path}, {app}")


def test_colours_that_are_forced_leave_every_button_a_button(window: Page) -> None:
    window.emulate_media(forced_colors="active")
    window.goto("/login")
    for button in window.locator(BUTTONS).all():
        assert button.evaluate("each => getComputedStyle(each).borderTopStyle") == "solid"
        expect(button).to_be_visible()
