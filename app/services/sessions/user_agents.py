"""What people call a device: «Chrome · Windows», read from the user agent by ua-parser's public patterns."""

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


@lru_cache(maxsize=2000)
def device_name(user_agent: str) -> str:
    """Browser and system, at most 100 characters, or :data:`UNKNOWN`; a user agent seen first costs milliseconds.

    A user agent is what its sender says it is: good for recognising one's own devices, for no decision.
    """
    found = parser(user_agent, Domain.ALL)
    parts = [part for part in (_browser(user_agent, found), _system(found)) if part]
    return " · ".join(parts)[:LONGEST] or UNKNOWN


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
