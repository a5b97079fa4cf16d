"""Browsers inside other apps, which some providers refuse, and how a page gets out of them with all it is for.

They are told by what they say of themselves; one that says nothing counts as a browser of its own.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from app.errors import sentence
from app.languages import gettext as _

APPS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (sentence("KakaoTalk"), re.compile(r"\bKAKAOTALK\b", re.IGNORECASE)),
    (sentence("Naver"), re.compile(r"\bNAVER\(inapp\b", re.IGNORECASE)),
    (sentence("Instagram"), re.compile(r"\bInstagram\b")),
    (sentence("Facebook"), re.compile(r"\bFB(?:AN|AV|_IAB)\b")),
    (sentence("LINE"), re.compile(r"\bLine/\d")),
    (sentence("this app"), re.compile(r"\bAndroid\b.*; wv\)")),
)
"""What apps are called, and how they are told; whichever fits first. The last is any that shows pages on Android."""


@dataclass(frozen=True, slots=True)
class WayOut:
    """How a page opens outside of ``app``: by the link ``href``, or, where there is none, by ``address`` in hand."""

    app: str
    address: str
    href: str | None


def in_app_browser(user_agent: str) -> str | None:
    """The app inside which the page is shown (an English constant), or None in a browser of its own."""
    return next((name for name, mark in APPS if mark.search(user_agent)), None)


def way_out(user_agent: str, address: str) -> WayOut | None:
    """How ``address``, which is one of the portal's, opens in the browser of the device's owner."""
    app = in_app_browser(user_agent)
    return WayOut(_(app), address, _link(app, user_agent, address)) if app else None


def _link(app: str, user_agent: str, address: str) -> str | None:
    if app == "KakaoTalk":
        return f"kakaotalk://web/openExternal?url={quote(address, safe='')}"
    if app == "LINE":
        return f"{address}{'&' if '?' in address else '?'}openExternalBrowser=1"
    if "Android" in user_agent:
        return _intent(address)
    # iOS lets no page leave an app by itself.
    return None


def _intent(address: str) -> str:
    """Asks Android for whatever opens such addresses: the browser its owner chose."""
    parts = urlsplit(address)
    target = address.removeprefix(f"{parts.scheme}://")
    intent = f"scheme={parts.scheme};action=android.intent.action.VIEW;category=android.intent.category.BROWSABLE"
    return f"intent://{target}#Intent;{intent};S.browser_fallback_url={quote(address, safe='')};end"
