"""What people call a device: «Chrome · Windows», read from the user agent by ua-parser's public patterns."""

import enum
from functools import lru_cache

from ua_parser import Domain, PartialResult, parser

from app.errors import sentence

UNKNOWN = sentence("Unknown device")
"""Translated where it is shown; every other name consists of proper names alone."""
LONGEST = 100
# Pages that open inside of another application; the patterns see the browser it embeds.
IN_APPLICATIONS = (("KAKAOTALK", "KakaoTalk"), ("NAVER(", "NAVER"))
BROWSERS = {
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "Safari",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Chrome",
    "HeadlessChrome": "Chrome",
    "Edge Mobile": "Edge",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Opera Mobile": "Opera",
    "Android": "",  # Android's own browser bears the system's name
}
SYSTEMS = {"Mac OS X": "macOS", "Chrome OS": "ChromeOS"}
APPLE = frozenset({"iPhone", "iPad", "iPod"})
IN_HANDS = frozenset({"iOS", "Android", "Windows Phone", "KaiOS", "Tizen", "Windows Mobile"})
OF_BROWSERS = ("Mozilla/", "Opera/")


class DeviceKind(enum.StrEnum):
    """What a device looks like."""

    DESKTOP = "desktop"
    PHONE = "phone"
    TABLET = "tablet"
    PROGRAM = "program"
    UNKNOWN = "unknown"


def device_name(user_agent: str) -> str:
    """Browser and system, at most 100 characters, or :data:`UNKNOWN`; a user agent seen first costs milliseconds.

    A user agent is what its sender says it is: good for recognising one's own devices, for no decision.
    """
    return _read(user_agent)[0]


def device_kind(user_agent: str) -> DeviceKind:
    """What sent it, as far as it says; costs and is worth as much as :func:`device_name`."""
    return _read(user_agent)[1]


@lru_cache(maxsize=2000)
def _read(user_agent: str) -> tuple[str, DeviceKind]:
    found = parser(user_agent, Domain.ALL)
    parts = [part for part in (_browser(user_agent, found), _system(found)) if part]
    return " · ".join(parts)[:LONGEST] or UNKNOWN, _kind(user_agent, found)


def _kind(user_agent: str, found: PartialResult) -> DeviceKind:
    system = found.os.family if found.os else ""
    is_browser = user_agent.startswith(OF_BROWSERS)
    if system in IN_HANDS:
        # Browsers on phones of Android say "Mobile", those on tablets do not.
        is_large = is_browser and "Mobile" not in user_agent if system == "Android" else "iPad" in user_agent
        return DeviceKind.TABLET if is_large else DeviceKind.PHONE
    if not is_browser or (found.device and found.device.family == "Spider"):
        return DeviceKind.PROGRAM if user_agent else DeviceKind.UNKNOWN
    return DeviceKind.DESKTOP if system else DeviceKind.UNKNOWN


def _browser(user_agent: str, found: PartialResult) -> str:
    for mark, name in IN_APPLICATIONS:
        if mark in user_agent:
            return name
    family = found.user_agent.family if found.user_agent else ""
    return BROWSERS.get(family, family)


def _system(found: PartialResult) -> str:
    if found.device and found.device.family in APPLE:
        return found.device.family
    family = found.os.family if found.os else ""
    return SYSTEMS.get(family, family)
