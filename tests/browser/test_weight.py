"""What a first visit downloads, as a proxy that compresses sends it."""

import gzip

import pytest
from playwright.sync_api import Response

from tests.chromium import Windows
from tests.portal import Portal

MOST = 60 * 1024


@pytest.mark.parametrize("path", ["/", "/login", "/register", "/terms"])
def test_a_first_page_is_light_and_loads_nothing_from_elsewhere(
    windows: Windows, live_portal: Portal, path: str
) -> None:
    page = windows.open(base_url=live_portal.url, locale="ko-KR")
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(path, wait_until="networkidle")
    weights = {each.url: len(gzip.compress(each.body(), 6)) for each in answers if each.status == 200}
    assert all(url.startswith(live_portal.url) for url in weights)
    assert any(url.endswith(".css") for url in weights)
    assert sum(weights.values()) < MOST, weights
