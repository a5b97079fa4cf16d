"""Mail and notices in Chromium: a test mail arrives, a notice is tried again and taken, and how mails look."""

import pytest
from playwright.sync_api import expect

from app.mail.letter import NAMES
from tests.browser.accessibility import hold_accessibility
from tests.browser.admin.doing import press, told
from tests.browser.admin.offices import Office, hold
from tests.browser.people import new_person
from tests.flows.live_client import LiveClient, parameters
from tests.flows.test_backchannel_logout import Receiver
from tests.mailbox import _kept
from tests.relying_party import REDIRECT_URI

MOST_LOOKS = 200
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


def test_a_notice_that_failed_is_tried_again_and_another_one_dropped(office: Office) -> None:
    receiver, person = Receiver(answers=[503]), new_person(office.portal)
    receiver.start()
    named = ("--redirect-uri", REDIRECT_URI, "--consent", "implicit", "--backchannel-logout-uri", receiver.uri)
    office.portal.flask("clients", "create", "listens", "--scope", "openid", *named)
    client = LiveClient(office.portal, "listens")

    def failing() -> None:
        """Log in to the application and out, of which it does not want to hear; open what waits then."""
        client.log_in(person.email, person.password)
        code = parameters(client.authorize(scope="openid"))["code"]
        assert client.redeem(code).status_code == 200
        office.portal.flask("sessions", "end", "--user", person.email)
        failed = window.locator("tbody tr", has_text="Failed, is tried again")
        for _ in range(MOST_LOOKS):
            window.goto("/admin/notices?client=listens")
            if failed.count():
                break
        failed.locator("a").first.click()

    try:
        window = office.open("/admin/notices")
        failing()
        press(window, "Try it now")
        expect(window.locator("[data-watched]")).to_contain_text("Arrived", timeout=20_000)
        assert len(receiver.tokens(2)) == 2
        receiver.answers = [503] * 20
        failing()
        press(window, "Take it out of the queue")
        hold(window, "drop")
        press(window, "Take it out of the queue")
        told(window, "It is taken out of the queue. It will not be sent.")
        heard = len(receiver.received)
        assert office.portal.flask("mail", "retry").startswith("0 ")
        assert len(receiver.received) == heard
    finally:
        receiver.stop()
