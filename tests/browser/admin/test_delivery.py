"""Mail and notices in Chromium: a test mail arrives, a notice is tried again and taken, and how mails look."""

import pytest
from playwright.sync_api import expect

from app.mail.letter import NAMES
from tests.browser.accessibility import hold_accessibility
from tests.browser.admin.offices import Office, hold
from tests.mailbox import _kept

pytestmark = pytest.mark.parametrize("live_portal", ["sqlite"], indirect=True)


def test_a_test_mail_arrives_and_the_page_says_so(office: Office) -> None:
    office.portal.flask("users", "update", office.administrator.email, "--verified")
    window = office.open("/admin/mail")
    hold(window, "mail")
    window.get_by_role("button", name="Send a test mail").click()
    expect(window.locator("[data-watched]")).to_contain_text("The server took the mail", timeout=20_000)
    hold(window, "a delivery")
    assert _kept(office.portal, office.administrator.email, r"이 메일은 잘 도착했습니다|This one did")
    window.goto("/admin/notices")
    hold(window, "notices")


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_every_mail_is_looked_at(office: Office, locale: str) -> None:
    window = office.open("/admin/mail/templates", locale=locale)
    hold(window, "templates")
    for name in sorted(NAMES):
        window.goto(f"/admin/mail/templates/{name}?width=phone")
        expect(window.frame_locator("iframe").locator("h1")).to_be_visible()
        hold_accessibility(window, name)
