"""An administrator's window on a running portal, and what holds of every page in it."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.accessibility import hold_accessibility
from tests.browser.people import Person, log_in
from tests.browser.test_pages import CUT_OFF, DESKTOP, PHONE, SCROLLS_SIDEWAYS
from tests.chromium import Windows
from tests.portal import Portal

POPUP = {"width": 500, "height": 600}
WIDE = {"width": 1440, "height": 900}


@dataclass
class Office:
    """``portal`` under gunicorn and somebody who administers it."""

    windows: Windows
    portal: Portal
    administrator: Person

    def open(self, path: str = "/admin", **options: Any) -> Page:
        """A window at ``path``, whose person logged in just now; ``options`` are Playwright's."""
        window = self.windows.open(**{"locale": "en-US", "viewport": DESKTOP, "base_url": self.portal.url, **options})
        window.goto(path)
        log_in(window, self.administrator)
        expect(window.locator("body.admin")).to_be_visible()
        return window


def hold(window: Page, what: str) -> None:
    """Accessible in both themes, and whole in every size."""
    hold_accessibility(window, what)
    for size in (PHONE, POPUP, DESKTOP, WIDE):
        window.set_viewport_size(size)
        assert not window.evaluate(SCROLLS_SIDEWAYS), (what, size)
        assert window.evaluate(CUT_OFF) == [], (what, size)
