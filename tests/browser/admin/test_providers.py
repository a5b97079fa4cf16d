"""Identity providers in Chromium: what is said of each, and the button that asks one."""

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import hold_accessibility
from tests.browser.admin.doing import press, title
from tests.browser.admin.offices import Office, hold
from tests.browser.travelling import Stage
from tests.portal import Portal


@pytest.fixture(scope="module")
def live_portal(shared_stage: Stage) -> Portal:
    """Beside its providers."""
    return shared_stage.portal


def test_a_provider_is_tested_and_what_is_wrong_with_it_is_said(office: Office, stage: Stage) -> None:
    window = office.open("/admin/providers")
    hold(window, "providers")
    press(window, "Acme")
    title(window, "Acme")
    expect(window.locator("[data-copy-source]").first).to_have_text(f"{stage.portal.url}/auth/acme/callback")
    hold(window, "a provider")
    press(window, "Test the provider")
    title(window, "Test of Acme")
    expect(window.get_by_text("No problem found")).to_be_visible()
    assert stage.providers.acme.of_kind("keys")
    stage.providers.acme.switch("metadata", "issuer")
    press(window, "Test again")
    expect(window.locator(".finding-failed")).to_have_count(1)
    expect(window.locator(".finding-failed")).to_contain_text("another issuer")
    hold(window, "a test")
    stage.portal.flask("identities", "test-provider", "discord")


def test_the_pages_are_whole_in_korean(office: Office, stage: Stage) -> None:
    window = office.open("/admin/providers", locale="ko-KR")
    hold(window, "providers in Korean")
    window.goto("/admin/providers/kakao")
    hold(window, "Kakao in Korean")
    stage.providers.kakao.switch("error", "token")
    window.get_by_role("button", name="제공자 테스트").click()
    expect(window.locator(".finding-failed")).to_have_count(1)
    hold_accessibility(window, "a test in Korean")
