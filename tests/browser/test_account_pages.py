"""Account pages in Chromium: accessible in both languages and themes, whole on small phones, by keys alone."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app import create_app
from app.services.foundation.environment import Caller
from app.services.record.audit import Event
from app.settings import Settings
from tests.account.browsing import IPHONE
from tests.browser.people import Person, log_in, new_person
from tests.browser.test_pages import DESKTOP, PHONE, SCROLLS_SIDEWAYS, hold_rules_of_all_pages, show, window
from tests.chromium import Windows
from tests.portal import Portal, close

__all__ = ["window"]
PAGES = (
    "",
    "/profile",
    "/security",
    "/security/password",
    "/security/email",
    "/sessions",
    "/apps",
    "/plan",
    "/activity",
    "/activity?kind=refused",
    "/data",
    "/data/export",
    "/data/delete",
    "/deleted",
)
SMALL_PHONES = (PHONE, {"width": 320, "height": 640})
# What is focused: its words and whether it can be seen that it is.
FOCUSED = """() => {
    const element = document.activeElement, style = getComputedStyle(element);
    const words = element.getAttribute("aria-label") ?? (element.labels?.[0] ?? element).innerText ?? "";
    return [words.trim(), style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
}"""


def services_of(portal: Portal) -> Flask:
    """The portal's own services, in this process."""
    return create_app(Settings.from_environment(portal.environment))


def fill(portal: Portal, person: Person, sessions: int = 24) -> None:
    """Give the person devices, an application and something that happened."""
    app = services_of(portal)
    with app.app_context():
        services = app.extensions["services"]
        user_id = services.accounts.find(person.email).id
        for number in range(sessions):
            services.sessions.start(user_id, Caller(f"203.0.113.{number}", IPHONE), remember=True)
        phone = Caller("203.0.113.7", IPHONE)
        services.consents.grant(user_id, services.clients.get("playground"), ["openid", "profile", "email"], phone)
        services.profiles.update(user_id, {"bio": "두 줄\n소개"}, phone)
        for event in (Event.LOGIN_FAILED, Event.PASSWORD_CONFIRMED):
            services.audit.record(event, phone, user_id=user_id, error="wrong_credentials")
        services.audit.record(Event.CODE_REDEEMED, phone, user_id=user_id, client_id="maxworkspace")
        services.administration.set_plan(
            user_id, "pro", status="cancelled", ends_at=services.clock() + timedelta(days=3)
        )
        services.overrides.add(
            user_id, monthly_limit=120, reason="a test", ends_at=services.clock() + timedelta(days=2)
        )
        for number in range(60):
            services.quotas.consume(user_id, 2, client_id="maxworkspace", key=f"job-{number}")
        services.quotas.release(user_id, "job-59", client_id="maxworkspace", amount=1)
        services.db.session.commit()
    close(app)


@pytest.fixture(scope="module")
def rich(live_portal: Portal) -> Person:
    """Somebody with long lists."""
    person = new_person(live_portal)
    fill(live_portal, person)
    return person


@pytest.fixture
def person(live_portal: Portal) -> Person:
    """Somebody with a new account."""
    return new_person(live_portal)


def enter(window: Page, person: Person, path: str = "/account") -> None:
    """Log in on the way to an account page."""
    window.goto(path)
    log_in(window, person)
    window.wait_for_url(path)


@pytest.mark.parametrize("kind", ["rich", "new"])
def test_every_page_is_accessible_and_fits_small_phones(
    window: Page, live_portal: Portal, rich: Person, kind: str
) -> None:
    enter(window, rich if kind == "rich" else new_person(live_portal))
    for path in PAGES:
        show(window, f"/account{path}")
        unfold(window)
        hold_rules_of_all_pages(window, path, SMALL_PHONES)


def test_mistakes_are_accessible_and_lead_to_their_fields(windows: Windows, window: Page, person: Person) -> None:
    windows.expect("status of 400")
    enter(window, person, "/account/profile")
    window.locator("input[name=username]").fill("-")
    window.locator("input[name=timezone]").fill("Nowhere")
    window.locator("main form button").last.click()
    expect(window.get_by_role("alert").locator("a")).to_have_count(2)
    expect(window.locator("input[name=timezone]")).to_have_value("Nowhere")
    hold_rules_of_all_pages(window, "profile with mistakes", SMALL_PHONES)
    window.get_by_role("alert").locator("a").last.click()
    expect(window.locator("input[name=timezone]")).to_be_focused()


def test_an_account_that_is_to_go_says_so_accessibly_and_can_be_kept(window: Page, person: Person) -> None:
    enter(window, person, "/account/data/delete")
    window.locator("input[name=email]").fill(person.email)
    window.locator("button.btn-danger").click()
    window.wait_for_url("/account/data")
    for path in ("/account", "/account/apps", "/"):
        show(window, path)
        expect(window.locator(".leaving")).to_be_visible()
        hold_rules_of_all_pages(window, f"{path} of an account that is to go", SMALL_PHONES)
    window.locator(".leaving button").click()
    window.wait_for_url("/account/data")
    expect(window.locator(".leaving")).to_have_count(0)
    expect(window.get_by_role("status")).to_be_visible()


def tabbed(window: Page, most: int = 60) -> list[str]:
    """The words of everything that Tab comes to, in order; each must be seen to be focused."""
    found: list[str] = []
    for _ in range(most):
        window.keyboard.press("Tab")
        words, is_seen = window.evaluate(FOCUSED)
        if window.evaluate("document.activeElement === document.body") or (found and words == found[0]):
            break
        assert is_seen, words
        found.append(words)
    return found


@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_tab_follows_the_page_and_is_always_seen(
    windows: Windows, live_portal: Portal, person: Person, locale: str
) -> None:
    window = windows.open(base_url=live_portal.url, locale=locale, viewport=DESKTOP)
    enter(window, person, "/account/profile")
    order = tabbed(window)
    links = window.locator(".account-nav a").all_inner_texts()
    labels = window.locator("main label:visible, main form summary").all_inner_texts()
    save = window.locator("main form button").last.inner_text()
    expected = [*(each.strip() for each in links), *(each.strip() for each in labels), save]
    places = [order.index(words) for words in expected]
    assert places == sorted(places)
    assert places == list(range(places[0], places[0] + len(places)))
    assert len(links) == 8


def test_a_profile_is_changed_by_keys_alone(windows: Windows, live_portal: Portal, person: Person) -> None:
    window = windows.open(base_url=live_portal.url, locale="en-US", viewport=DESKTOP)
    window.goto("/account/profile")
    expect(window.locator("input[name=email]")).to_be_focused()
    window.keyboard.type(person.email)
    window.keyboard.press("Tab")
    window.keyboard.type(person.password)
    window.keyboard.press("Enter")
    window.wait_for_url("/account/profile")
    for _ in range(40):
        window.keyboard.press("Tab")
        if window.evaluate("document.activeElement.name") == "full_name":
            break
    window.keyboard.press("Control+A")
    window.keyboard.type("Ada Lovelace")
    window.keyboard.press("Enter")
    expect(window.get_by_role("status")).to_have_text("Your profile is saved.")
    expect(window.locator("input[name=full_name]")).to_have_value("Ada Lovelace")


def test_another_device_is_logged_out_by_keys_alone(windows: Windows, live_portal: Portal, person: Person) -> None:
    phone = windows.open(base_url=live_portal.url, locale="en-US", viewport=PHONE, user_agent=IPHONE)
    enter(phone, person)
    window = windows.open(base_url=live_portal.url, locale="en-US", viewport=DESKTOP)
    enter(window, person, "/account/sessions")
    expect(window.locator(".device")).to_have_count(2)
    for _ in range(40):
        window.keyboard.press("Tab")
        if window.evaluate(FOCUSED)[0].startswith("Log out Safari · iPhone"):
            break
    window.keyboard.press("Enter")
    expect(window.locator(".device")).to_have_count(1)
    expect(window.get_by_role("status")).to_contain_text("That device is logged out.")
    phone.goto("/account")
    expect(phone).to_have_url(re.compile(r"/login\?next=/account$"))


def test_the_menu_of_a_phone_says_where_one_is_and_leads_on(
    windows: Windows, live_portal: Portal, person: Person
) -> None:
    window = windows.open(base_url=live_portal.url, locale="ko-KR", viewport=PHONE, java_script_enabled=False)
    enter(window, person)
    menu = window.locator(".account-menu")
    expect(window.locator(".account-nav")).to_be_hidden()
    expect(menu.locator("summary")).to_contain_text("개요")
    expect(menu.locator("a").first).to_be_hidden()
    menu.locator("summary").press("Enter")
    expect(menu.locator("a")).to_have_count(8)
    menu.get_by_role("link", name="활동").click()
    expect(window.locator("h1")).to_have_text("활동")


ROW_PARTS = """row => new Set([...row.querySelectorAll(".row-text, .event-where, .event-when")]
    .map(part => Math.round(part.getBoundingClientRect().top / 12))).size"""


def test_lists_read_like_tables_on_a_desk_and_cards_on_a_phone(
    windows: Windows, live_portal: Portal, rich: Person
) -> None:
    window = windows.open(base_url=live_portal.url, locale="en-US", viewport=DESKTOP)
    enter(window, rich, "/account/activity")
    row = window.locator(".event summary").first
    assert row.evaluate(ROW_PARTS) == 1
    window.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert row.evaluate(ROW_PARTS) > 1
    window.goto("/account/sessions")
    expect(window.locator(".devices > li")).to_have_count(20)
    window.get_by_role("link", name="Next page").click()
    expect(window.locator(".devices > li").first).to_be_visible()
    expect(window.get_by_role("link", name="First page")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "row"),
    [("/account/activity", ".event"), ("/account/sessions", ".devices .more"), ("/account/apps", ".may")],
)
def test_the_moment_itself_and_what_is_technical_unfold_by_keys_and_without_script(
    windows: Windows, live_portal: Portal, rich: Person, path: str, row: str
) -> None:
    window = windows.open(base_url=live_portal.url, locale="en-US", viewport=PHONE, java_script_enabled=False)
    enter(window, rich, path)
    facts = window.locator(row).first.locator(".facts")
    expect(facts).to_be_hidden()
    window.locator(row).first.locator("summary").press("Enter")
    expect(facts).to_be_visible()
    expect(facts).to_contain_text(re.compile(r"[A-Z][a-z]{2} \d+, \d{4}, \d+:\d\d.[AP]M KST"))


def test_a_filter_of_the_activity_is_an_address(windows: Windows, live_portal: Portal, rich: Person) -> None:
    window = windows.open(base_url=live_portal.url, locale="en-US", viewport=DESKTOP, java_script_enabled=False)
    enter(window, rich, "/account/activity")
    filters = window.get_by_role("navigation", name="Show only")
    filters.get_by_role("link", name="Changes").click()
    expect(window).to_have_url(re.compile(r"/account/activity\?kind=changes$"))
    expect(filters.locator("[aria-current]")).to_have_text("Changes")
    expect(window.locator(".row-text", has_text="You logged in")).to_have_count(0)
    expect(window.locator(".row-text", has_text="The profile was changed.")).to_have_count(1)
    filters.get_by_role("link", name="Refused").click()
    expect(window.locator(".badge-refused")).to_have_count(2)
    expect(window.locator(".event")).to_have_count(2)


def unfold(window: Page) -> None:
    """Open everything that lies folded on the page."""
    window.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")


OVERLAPS = """() => {
    const said = "p, a, button, dt, dd, summary, h1, h2, small, time, label";
    const found = [], boxes = [...document.querySelectorAll(`main :is(${said})`)]
        .filter(each => each.checkVisibility() && each.innerText.trim() && !each.closest(".visually-hidden"))
        .map(each => [each, each.getBoundingClientRect()]);
    for (const [index, [one, box]] of boxes.entries())
        for (const [other, its] of boxes.slice(index + 1)) {
            if (one.contains(other) || other.contains(one)) continue;
            const wide = Math.min(box.right, its.right) - Math.max(box.left, its.left);
            const high = Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top);
            if (wide > 2 && high > 2) found.push([one.innerText.slice(0, 40), other.innerText.slice(0, 40)]);
        }
    return found;
}"""
OUTSIDE = """() => [...document.querySelectorAll("main *")]
    .filter(each => each.checkVisibility() && !each.closest(".visually-hidden") && each.getClientRects().length)
    .filter(each => each.getBoundingClientRect().right > innerWidth + 1 || each.getBoundingClientRect().left < -1
        || (getComputedStyle(each).overflowX !== "visible" && each.scrollWidth > each.clientWidth + 1
            && each.tagName !== "INPUT" && each.tagName !== "SELECT" && each.tagName !== "TEXTAREA"))
    .map(each => each.outerHTML.slice(0, 120))"""


# Words that were broken into a column of letters.
SQUEEZED = """() => [...document.querySelectorAll("main *")]
    .filter(each => each.checkVisibility() && !each.closest(".visually-hidden")
        && [...each.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim().length > 3))
    .map(each => [each, each.getBoundingClientRect(), parseFloat(getComputedStyle(each).fontSize)])
    .filter(([each, box, size]) => box.width < 3.5 * size && box.height > 2.5 * size)
    .map(([each]) => each.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize(
    ("how", "size"),
    [("text twice as large", {"width": 360, "height": 740}), ("zoomed fourfold", {"width": 320, "height": 256})],
)
def test_nothing_is_cut_off_or_lies_on_something_else_where_all_is_large(
    window: Page, rich: Person, how: str, size: dict[str, int]
) -> None:
    """A page of 1280 pixels that is zoomed fourfold has 320 of them."""
    enter(window, rich)
    window.set_viewport_size(size)  # type: ignore[arg-type]
    for path in PAGES[:-1]:
        show(window, f"/account{path}")
        if how == "text twice as large":
            window.evaluate("document.documentElement.style.fontSize = '200%'")
        unfold(window)
        assert not window.evaluate(SCROLLS_SIDEWAYS), f"{path}, {how}"
        assert window.evaluate(OUTSIDE) == [], f"{path}, {how}"
        assert window.evaluate(OVERLAPS) == [], f"{path}, {how}"
        assert window.evaluate(SQUEEZED) == [], f"{path}, {how}"


def test_everything_works_without_script(windows: Windows, live_portal: Portal, person: Person) -> None:
    fill(live_portal, person, sessions=2)
    window = windows.open(base_url=live_portal.url, locale="en-US", viewport=DESKTOP, java_script_enabled=False)
    enter(window, person, "/account/apps")
    window.locator("details.remove summary").click()
    window.locator("details.remove button").click()
    expect(window.get_by_role("status")).to_contain_text("The access is removed.")
    window.goto("/account/sessions")
    window.locator(".panel-danger button").click()
    expect(window.locator(".device")).to_have_count(1)
    window.goto("/account/security/password")
    window.locator("input[name=current]").fill(person.password)
    window.locator("input[name=password]").fill("violet lantern 72 harbour")
    window.locator("main form button:not([type=button])").click()
    expect(window.get_by_role("status")).to_contain_text("Your password is changed.")
    window.goto("/account/data")
    with window.expect_download() as download:
        window.get_by_role("link", name="Download as a file").click()
    assert re.fullmatch(r"max-account-\d{4}-\d\d-\d\d\.json", download.value.suggested_filename)
    window.goto("/logout")
    window.locator("main form button").first.click()
    enter(window, replace(person, password="violet lantern 72 harbour"))
    expect(window.locator("h1")).to_have_text("Your account")
