"""The letters of the tests are the project's choice: no page is written in a face that happens to be on the machine."""

import pytest
from playwright.sync_api import Page

from tests.chromium import Windows
from tests.portal import Portal

LETTERS = {
    "wide": {"DejaVu Sans", "DejaVu Sans Mono", "NanumGothicCoding"},
    "narrow": {"Liberation Sans", "Liberation Mono", "NanumBarunGothic"},
}


def faces(window: Page) -> dict[str, float]:
    """How many glyphs of the page Chromium drew from which family."""
    protocol = window.context.new_cdp_session(window)
    protocol.send("DOM.enable")
    protocol.send("CSS.enable")
    document = protocol.send("DOM.getDocument")["root"]["nodeId"]
    nodes = protocol.send("DOM.querySelectorAll", {"nodeId": document, "selector": "body *"})["nodeIds"]
    drawn: dict[str, float] = {}
    for node in nodes:
        for font in protocol.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]:
            drawn[font["familyName"]] = drawn.get(font["familyName"], 0) + font["glyphCount"]
    return drawn


@pytest.mark.parametrize("browser", LETTERS, indirect=True)
def test_pages_are_written_in_the_faces_of_the_set_and_in_no_other(
    request: pytest.FixtureRequest, windows: Windows, live_portal: Portal
) -> None:
    window = windows.open(base_url=live_portal.url, locale="ko-KR")
    window.goto("/developers")
    drawn = faces(window)
    assert set(drawn) == LETTERS[request.node.callspec.params["browser"]]
    assert min(drawn.values()) > 100
