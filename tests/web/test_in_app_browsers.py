"""Browsers inside other apps are told by what they say of themselves, and a page gets out of them whole."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from app.web.providers.in_app_browsers import in_app_browser, way_out

ANDROID = "Mozilla/5.0 (Linux; Android 14; SM-S921N Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
INSIDE = {
    "KakaoTalk": [
        f"{ANDROID} Version/4.0 Chrome/126.0.6478.122 Mobile Safari/537.36;KAKAOTALK 2410670",
        f"{IPHONE} Mobile/15E148 KAKAOTALK 10.7.0",
        f"{IPHONE} Mobile/15E148 KAKAOTALK/10.7.0 (INAPP)",
    ],
    "Naver": [
        f"{ANDROID} Version/4.0 Chrome/126.0.6478.71 Mobile Safari/537.36 NAVER(inapp; search; 2000; 12.8.4)",
        f"{IPHONE} Version/17.5 Mobile/15E148 Safari/605.1 NAVER(inapp; search; 2000; 12.8.4; 15PRO)",
    ],
    "Instagram": [
        f"{ANDROID} Version/4.0 Chrome/126.0.6478.122 Mobile Safari/537.36 Instagram 337.0.0.35.102 Android "
        "(34/14; 480dpi; 1080x2340; samsung; SM-S921N; e1s; s5e9945; ko_KR; 612420893)",
        f"{IPHONE} Mobile/21F90 Instagram 337.0.2.24.92 (iPhone15,2; iOS 17_5_1; ko_KR; ko; scale=3.00; 1179x2556)",
    ],
    "Facebook": [
        f"{ANDROID} Version/4.0 Chrome/126.0.6478.122 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/470.0.0.37.105;]",
        f"{IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/470.0.0.36.103;FBBV/610;FBDV/iPhone15,2;FBLC/ko_KR;FBOP/80]",
    ],
    "LINE": [
        f"{ANDROID} Version/4.0 Chrome/126.0.6478.122 Mobile Safari/537.36 Line/14.10.0/IAB",
        f"{IPHONE} Mobile/15E148 Safari Line/14.10.0",
    ],
    "this app": [f"{ANDROID} Version/4.0 Chrome/126.0.6478.122 Mobile Safari/537.36"],
}
BY_THEMSELVES = {
    "Chrome on Android": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Mobile Safari/537.36",
    "Samsung Internet": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
    "Safari": f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1",
    "Chrome on iOS": f"{IPHONE} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
    "Whale": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Whale/3.27.254.15 Safari/537.36",
    "Edge": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Safari/537.36 Edg/126.0.0.0",
    "Firefox": "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "a word of it": "Online/1.0 (instagrammer; fbank)",
    "nothing": "",
}
EXAMPLES = [(app, user_agent) for app, agents in INSIDE.items() for user_agent in agents]
ADDRESS = "https://id.example.com/login?interaction=a%2Fb&next=/terms%3Fa%3D%E3%85%8E"


@pytest.mark.parametrize(("app", "user_agent"), EXAMPLES)
def test_a_browser_inside_an_app_is_told(app: str, user_agent: str) -> None:
    assert in_app_browser(user_agent) == app


@pytest.mark.parametrize("user_agent", BY_THEMSELVES.values(), ids=BY_THEMSELVES)
def test_a_browser_of_its_own_is_left_alone(user_agent: str) -> None:
    assert in_app_browser(user_agent) is None
    assert way_out(user_agent, ADDRESS) is None


@pytest.mark.parametrize(("app", "user_agent"), EXAMPLES)
def test_the_whole_address_gets_out_and_nothing_else_does(app: str, user_agent: str) -> None:
    way = way_out(user_agent, ADDRESS)
    assert way
    assert way.address == ADDRESS
    link = urlsplit(way.href or "")
    if app == "KakaoTalk":
        assert way.href == f"kakaotalk://web/openExternal?url={way.href.partition('url=')[2]}"
        assert parse_qs(link.query) == {"url": [ADDRESS]}
    elif app == "LINE":
        assert way.href == f"{ADDRESS}&openExternalBrowser=1"
    elif "Android" in user_agent:
        target, _, intent = (way.href or "").partition("#Intent;")
        assert target == ADDRESS.replace("https://", "intent://")
        said = dict(part.split("=", 1) for part in intent.removesuffix(";end").split(";"))
        assert said == {
            "scheme": "https",
            "action": "android.intent.action.VIEW",
            "category": "android.intent.category.BROWSABLE",
            "S.browser_fallback_url": said["S.browser_fallback_url"],
        }
        assert unquote(said["S.browser_fallback_url"]) == ADDRESS
    else:
        assert way.href is None


def test_an_address_without_a_query_gets_one_where_it_is_needed() -> None:
    way = way_out(INSIDE["LINE"][0], "https://id.example.com/login")
    assert way
    assert way.href == "https://id.example.com/login?openExternalBrowser=1"
