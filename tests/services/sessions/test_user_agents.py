"""What user agents are taken for: a name of proper names, a kind that decides which icon stands beside it."""

import pytest

from app.services.sessions.user_agents import UNKNOWN, DeviceKind, device_kind, device_name

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
CHROME = f"{WEBKIT} Chrome/131.0.0.0 Safari/537.36"
MOBILE = f"{WEBKIT} Chrome/131.0.0.0 Mobile Safari/537.36"


@pytest.mark.parametrize(
    ("user_agent", "name", "kind"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME}", "Chrome · Windows", "desktop"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME}", "Chrome · ChromeOS", "desktop"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15) Gecko/20100101 Firefox/132.0", "Firefox · macOS", "desktop"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/17.5 Mobile/15E148 Safari/604.1",
            "Safari · iPhone",
            "phone",
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/17.5 Mobile/15E148 Safari/604.1",
            "Safari · iPad",
            "tablet",
        ),
        (f"Mozilla/5.0 (Linux; Android 10; K) {MOBILE}", "Chrome · Android", "phone"),
        (f"Mozilla/5.0 (Linux; Android 14; SM-X910) {CHROME}", "Chrome · Android", "tablet"),
        ("Dalvik/2.1.0 (Linux; U; Android 9; SM-G960F)", "Android", "phone"),
        ("curl/8.5.0", "curl", "program"),
        ("python-requests/2.32.3", "Python Requests", "program"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot", "program"),
        ("something of one's own", UNKNOWN, "program"),
        ("Mozilla/5.0", UNKNOWN, "unknown"),
        ("", UNKNOWN, "unknown"),
    ],
)
def test_a_user_agent_is_told_by_name_and_kind(user_agent: str, name: str, kind: str) -> None:
    assert (device_name(user_agent), device_kind(user_agent)) == (name, DeviceKind(kind))
