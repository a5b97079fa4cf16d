"""What axe-core finds on a page, in light and in dark."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}
"""The rules that a theme can break; all others look at what is the same in both."""

PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def hold_accessibility(window: Page, what: str = "", options: dict[str, Any] | None = None) -> None:
    """Hold the page to axe's rules (to those of ``options``) as the device has it, and its colours in both themes."""
    found = Axe().run(window, options=options)
    assert found.violations_count == 0, f"{what}: {found.generate_report()}"
    is_dark = window.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    # Colours that are on their way from one theme to the other are neither's.
    window.emulate_media(color_scheme="light" if is_dark else "dark", reduced_motion="reduce")
    window.evaluate(PAINTED)
    found = Axe().run(window, options=COLOURS)
    assert found.violations_count == 0, f"{what} in the other theme: {found.generate_report()}"
    window.emulate_media(color_scheme="dark" if is_dark else "light", reduced_motion="no-preference")
