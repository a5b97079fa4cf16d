"""What is held of every page is seen where it is broken: by every reader, and in one theme alone."""

import pytest

from tests.browser.accessibility import hold_accessibility
from tests.chromium import Windows

PAGE = """<!doctype html><html lang="en"><head><title>A page</title><style>
body { background: #fff; color: #111 }
@media (prefers-color-scheme: dark) { body { background: #111; color: #eee } .by-day { color: #333 } }
</style></head><body><main><h1>A page</h1><p>It can be read.</p>%s</main></body></html>"""
WRONG = {
    "pale": '<p style="color: #999">Pale.</p>',
    "pale again": '<p style="color: rgb(17, 17, 17)">Dark.</p><p style="color: oklch(0.8 0.02 90)">Pale.</p>',
    "half there": '<p style="opacity: 0.4">Pale.</p>',
    "on something grey": '<p style="background: rgb(120 120 120 / 50%); color: #666">Grey.</p>',
    "pale in the dark": '<p class="by-day">Dark.</p>',
    "without a name": "<button></button>",
}


def test_a_page_that_is_as_it_should_be_is_held(windows: Windows) -> None:
    window = windows.open()
    window.set_content(PAGE % "")
    hold_accessibility(window)


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_page_that_is_not_is_not(windows: Windows, wrong: str) -> None:
    window = windows.open()
    window.set_content(PAGE % wrong)
    with pytest.raises(AssertionError, match=r"color-contrast|button-name"):
        hold_accessibility(window)
