"""What axe-core finds on a page, in light and in dark."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

BRIEF: dict[str, Any] = {"resultTypes": ["violations"]}
"""Nothing is gathered about what is as it should be, which takes longer than the rules."""
COLOURS = {**BRIEF, "runOnly": ["color-contrast", "link-in-text-block"]}
"""The rules that a theme can break; all others look at what is the same in both."""

# Reading a colour took two fifths of a run: a page names the same few thousands of times.
READ_ONCE = """(() => {
    const colour = axe.commons.color.Color.prototype, read = colour.parseString, known = new Map();
    colour.parseString = function (text) {
        if (known.has(text)) return Object.assign(this, known.get(text));
        const { r, g, b, alpha } = read.call(this, text);
        known.set(text, { r, g, b, alpha });
        return this;
    };
})();"""
AXE = Axe(f"{AXE_SCRIPT}\n{READ_ONCE}")

# Colours that are on their way from one theme to the other are neither's; what turns for ever is not waited for.
SETTLED = """async () => {
    const moving = () => document.getAnimations().filter(each => each.effect.getComputedTiming().endTime !== Infinity);
    do {
        await Promise.all(moving().map(each => each.finished.catch(() => {})));
        await new Promise(requestAnimationFrame);
    } while (moving().length);
}"""


def hold_accessibility(window: Page, what: str = "", options: dict[str, Any] | None = None) -> None:
    """Hold the page to axe's rules (to those of ``options``) as the device has it, and its colours in both themes."""
    found = AXE.run(window, options={**BRIEF, **(options or {})})
    assert found.violations_count == 0, f"{what}: {found.generate_report()}"
    is_dark = window.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    window.emulate_media(color_scheme="light" if is_dark else "dark")
    window.evaluate(SETTLED)
    # axe is there already.
    found = AxeResults(window.evaluate("options => axe.run(options)", COLOURS))
    assert found.violations_count == 0, f"{what} in the other theme: {found.generate_report()}"
    window.emulate_media(color_scheme="dark" if is_dark else "light")
