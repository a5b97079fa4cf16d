"""The ten commonest errors of an integration, each made, read and mended as its developer does.

Each mistake is sent over the wire to a running portal. What is asserted of the page is what can be read on it, in both
languages, and what mends the request is taken from the page and from nowhere else.
"""

import re
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import requests
from joserfc.jwk import ECKey

from tests.flows.developers_desk import AUTHORIZE, LANGUAGES, LOCALHOST, Bench, Page, answered, authorized, redeemed
from tests.flows.live_client import PATIENCE, LiveClient
from tests.portal import Portal
from tests.relying_party import CHALLENGE, EMAIL, PASSWORD, VERIFIER
from tests.security.assertions import Signer, jwk_of, jwks_of

KEY = ECKey.generate_key("P-256")
TOKEN, USERINFO = "/api/oauth/token", "/api/oauth/userinfo"
CLIENTS = "/api/admin/oauth/service/clients"


@pytest.fixture(scope="module")
def bench(live_portal: Portal) -> Bench:
    live_portal.flask("users", "create", EMAIL, "--password", PASSWORD, "--verified")
    person = LiveClient(live_portal, "nobody")
    assert person.log_in(EMAIL, PASSWORD).status_code == 303
    return Bench(live_portal, person, {PASSWORD, *person.cookies.values()})


def reads(pages: dict[str, Page], english: tuple[str, ...], korean: tuple[str, ...], both: tuple[str, ...]) -> Page:
    """See that each page says all of it; gives the English one."""
    for language, own in zip(LANGUAGES, (english, korean), strict=True):
        for said in (*own, *both):
            assert said in pages[language].text, (language, said, pages[language].text)
    assert pages["ko"].facts[0][0] != pages["en"].facts[0][0] or pages["ko"].text != pages["en"].text
    return pages["en"]


REGISTER = "Register exactly this URI for the client, or send the registered one."
AS_IT_IS = "이 URI를 클라이언트에 그대로 등록하거나, 등록된 URI를 보내 주세요."
SEND = (
    "So this one cannot be registered: send one that is.",
    "따라서 이 주소는 등록할 수 없습니다. 등록된 주소를 보내 주세요.",
)
DEVELOPED = ("--in-development",)
ADDRESSES: dict[str, tuple[str, str, tuple[str, ...], list[str], str, str]] = {
    "wrong port": (
        LOCALHOST,
        "http://localhost:3011/cb",
        (),
        [":3011", ":3010"],
        "Differs in: the port",
        "다른 부분: 포트",
    ),
    "trailing slash": (
        LOCALHOST,
        f"{LOCALHOST}/",
        (),
        ["/"],
        "Only one of the two ends with a slash.",
        "슬래시로 끝납니다.",
    ),
    "http for https": (
        "https://shop.example.com/cb",
        "http://shop.example.com/cb",
        DEVELOPED,
        ["http", "https"],
        "behind a proxy that ends https",
        "앞단의 프록시가 https를 처리하는",
    ),
    "https for http": (
        LOCALHOST,
        "https://localhost:3010/cb",
        (),
        ["https", "http"],
        "Differs in: the scheme",
        "다른 부분: 스킴",
    ),
    "localhost": (
        "http://127.0.0.1:3010/cb",
        LOCALHOST,
        (),
        ["localhost", "127.0.0.1"],
        "localhost and 127.0.0.1 are different hosts here.",
        "localhost와 127.0.0.1은 서로 다른 호스트입니다.",
    ),
}


@pytest.mark.parametrize("name", ADDRESSES)
def test_an_address_that_is_not_registered(bench: Bench, name: str) -> None:
    registered, sent, options, marked, english, korean = ADDRESSES[name]
    shop = bench.client(*options, redirect=registered)
    asked = {"client_id": shop.client_id, "redirect_uri": sent, "response_type": "code", "scope": "openid"}
    pages = bench.pages(f"{bench.portal.url}{AUTHORIZE}", asked)
    fix = SEND if name == "http for https" else (REGISTER, AS_IT_IS)
    page = reads(pages, (fix[0], english), (fix[1], korean), ("RFC 9700 section 2.1", sent, registered, shop.client_id))
    assert page.marked == pages["ko"].marked == marked
    assert page.value("Received") == sent
    # The fix: what stands there as registered is sent.
    answer = answered(authorized(shop, redirect_uri=page.value("Registered"), scope="openid"))
    assert "code" in answer, answer


def test_a_port_that_varies_is_sent_by_the_address_that_the_page_names(bench: Bench) -> None:
    shop = bench.client(redirect="http://127.0.0.1/cb")
    asked = {"client_id": shop.client_id, "redirect_uri": "http://localhost:49152/cb"}
    page = bench.pages(f"{bench.portal.url}{AUTHORIZE}", asked)["en"]
    found = re.search(r"register (\S+) and send it with the port, instead of localhost", page.text)
    assert found
    assert "code" in answered(authorized(shop, redirect_uri=f"{found[1]}:49152/cb"))


@pytest.mark.parametrize(
    ("changes", "title", "facts"),
    [
        ({"code_challenge": "", "code_challenge_method": ""}, "The code_challenge is missing", {"Received": "None"}),
        ({"code_challenge_method": "plain"}, "is not S256", {"Received": "plain", "Expected": "S256"}),
        ({"code_challenge": CHALLENGE + "="}, "The code_challenge is not one", {"Characters sent": "44"}),
    ],
)
def test_missing_pkce(bench: Bench, changes: dict[str, str], title: str, facts: dict[str, str]) -> None:
    shop = bench.client()
    pages = bench.sent_back(shop, "invalid_request", **changes)
    english = "Send code_challenge, the Base64url form of the verifier's SHA-256, and code_challenge_method=S256."
    page = reads(
        pages,
        (title, "How to fix this", english, "Let the library do PKCE"),
        ("해결 방법", "‘code_challenge_method=S256’을 보내 주세요."),
        ("RFC 7636 section 4", "RFC 9700 section 2.1.1" if "not one" not in title else "4.2", shop.client_id),
    )
    assert facts.items() <= dict(page.facts).items()
    named = dict(re.findall(r"(code_challenge_method)=(S256)", page.text))
    assert redeemed(shop, bench.code(shop, **named)).status_code == 200


def test_missing_pkce_where_the_code_is_redeemed(bench: Bench) -> None:
    shop = bench.client()
    pages = bench.refused(redeemed(shop, bench.code(shop), code_verifier=""), "invalid_grant")
    page = reads(
        pages,
        ("had a code_challenge, so the token request needs its verifier", "made of as code_verifier, with a new code"),
        ("code_challenge가 있었으므로", "새 코드와 함께"),
        ("RFC 7636 section 4.5", shop.client_id),
    )
    (parameter,) = re.findall(r"made of as (\w+), with a new code", page.text)
    assert redeemed(shop, bench.code(shop), **{parameter: VERIFIER}).status_code == 200


@pytest.mark.parametrize("is_confidential", [False, True], ids=["public", "confidential"])
def test_reused_code(bench: Bench, is_confidential: bool) -> None:
    shop = bench.client(is_confidential=is_confidential)
    code = bench.code(shop)
    began = int(time.time())
    first = redeemed(shop, code).json()
    bench.secrets |= {first["access_token"]}
    pages = bench.refused(redeemed(shop, code), "invalid_grant")
    page = reads(
        pages,
        (
            "The code was redeemed before.",
            "Send the person through a new login, and redeem the code that it gives once.",
        ),
        ("이미 교환한 코드입니다.", "사용자를 다시 로그인하게 하고"),
        ("RFC 6749 section 4.1.2", shop.client_id),
    )
    assert 0 <= page.number("Seconds ago") <= int(time.time()) - began + 1
    # What was given for it ended, as the page says, and a new login gives what lasts.
    assert shop.userinfo(first["access_token"]).status_code == 401
    assert shop.userinfo(redeemed(shop, bench.code(shop)).json()["access_token"]).status_code == 200


def test_wrong_secret(bench: Bench) -> None:
    shop = bench.client("--auth-method", "client_secret_basic", is_confidential=True)
    right, wrong = shop.secret or "", f" {'w' * 42}\n"
    bench.secrets |= {right, wrong, wrong.strip()}
    shop.secret = wrong
    pages = bench.refused(redeemed(shop, bench.code(shop)), "invalid_client")
    page = reads(
        pages,
        ("none of those that count for this client", "Send the secret as it was shown when it was made."),
        ("유효한 시크릿과 다릅니다.", "발급될 때 보인 그대로 보내 주세요."),
        ("RFC 6749 section 2.3", "client_secret_basic", shop.client_id),
    )
    facts = {"Received": "client_secret_basic", "Registered": "client_secret_basic", "Characters sent": "44"}
    assert {**facts, "Spaces and line breaks at its ends": "2"}.items() <= dict(page.facts).items()
    # The fix, either way: the secret as it was shown, or the command that makes a new one.
    shop.secret = right
    assert redeemed(shop, bench.code(shop)).status_code == 200
    found = re.search(r"[A-Za-z0-9_-]{43}", bench.type(page))
    assert found
    bench.secrets |= {found[0]}
    shop.secret = found[0]
    assert redeemed(shop, bench.code(shop)).status_code == 200


def test_wrong_method_for_the_secret(bench: Bench) -> None:
    shop = bench.client("--auth-method", "client_secret_post", is_confidential=True)
    pages = bench.refused(redeemed(shop, bench.code(shop)), "invalid_client")
    page = reads(
        pages,
        ("was sent by another method than the registered one", "basic is the header, post is the body"),
        ("등록된 것과 다른 방식으로 보냈습니다", "‘post’는 본문입니다"),
        ("RFC 6749 section 2.3", "client_secret_basic", "client_secret_post"),
    )
    assert (page.value("Received"), page.value("Registered")) == ("client_secret_basic", "client_secret_post")
    secret, shop.secret = shop.secret or "", None
    assert redeemed(shop, bench.code(shop), client_secret=secret).status_code == 200


def test_no_secret_and_one_too_many(bench: Bench) -> None:
    shop = bench.client(is_confidential=True)
    secret, shop.secret = shop.secret, None
    pages = bench.refused(redeemed(shop, bench.code(shop)), "invalid_client")
    reads(pages, ("The client is confidential",), ("기밀 클라이언트인데",), ("none", "client_secret"))
    shop.secret = secret
    assert redeemed(shop, bench.code(shop)).status_code == 200
    spa = bench.client()
    pages = bench.refused(redeemed(spa, bench.code(spa), client_secret="made-up-secret"), "invalid_client")
    page = reads(pages, ("Send the client_id in the body, and no secret.",), ("시크릿 없이 client_id만",), ("none",))
    assert "made-up-secret" not in page.html
    assert redeemed(spa, bench.code(spa)).status_code == 200


@pytest.fixture(scope="module")
def signer(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Signer:
    """A service that signs, in development."""
    path = tmp_path_factory.mktemp("keys") / "jwks.json"
    path.write_text(jwks_of(jwk_of(KEY)))
    service = bench.service("--auth-method", "private_key_jwt", "--jwks", str(path))

    class AtThisPortal(Signer):
        def claims(self, **changes: Any) -> dict[str, Any]:
            return super().claims(**{"aud": bench.portal.url, **changes})

    return AtThisPortal(service.client_id, KEY, time.time)


def asserted(bench: Bench, signer: Signer, **claims: Any) -> requests.Response:
    """A token request by an assertion."""
    form = signer.form(signer.assertion(**claims), grant_type="client_credentials")
    bench.secrets |= {form["client_assertion"], form["client_assertion"].rpartition(".")[2]}
    return requests.post(f"{bench.portal.url}{TOKEN}", data=form, timeout=PATIENCE)


@pytest.mark.parametrize(
    "wrong",
    ["https://id.elsewhere.example/token", "{}/", "{}/api/oauth/introspect", ["{}", "https://id.elsewhere.example"]],
    ids=["of another server", "slash", "of another endpoint", "two"],
)
def test_wrong_audience_of_an_assertion(bench: Bench, signer: Signer, wrong: str | list[str]) -> None:
    sent = [each.format(bench.portal.url) for each in ([wrong] if isinstance(wrong, str) else wrong)]
    pages = bench.refused(asserted(bench, signer, aud=sent if len(sent) > 1 else sent[0]), "invalid_client")
    page = reads(
        pages,
        ("The assertion is signed, but for another audience.", "Let aud be the expected issuer, alone"),
        ("‘aud’가 다릅니다.", "‘aud’를 기대한 발급자 하나로"),
        ("RFC 7523 section 3", bench.portal.url, signer.client_id),
    )
    assert page.value("Received") == " ".join(sent)
    assert asserted(bench, signer, aud=page.value("Expected")).status_code == 200


def test_an_id_token_where_an_access_token_belongs(bench: Bench) -> None:
    shop = bench.client()
    tokens = bench.tokens(shop)
    pages = bench.challenged(shop.userinfo(tokens["id_token"]), "invalid_token")
    page = reads(
        pages,
        ("a token of another kind, made for another audience", "Send the access_token of the token answer"),
        ("다른 대상(‘aud’)의 다른 토큰", "id_token이 아니라 access_token을"),
        ("RFC 6750 section 3.1", "RFC 9068 section 4"),
    )
    assert (page.value("Received"), page.value("Expected")) == (shop.client_id, bench.portal.url)
    (named,) = re.findall(r"Send the (\w+) of the token answer", page.text)
    assert shop.userinfo(tokens[named]).status_code == 200


def test_the_token_of_a_person_where_a_service_is_asked_for_and_the_reverse(bench: Bench) -> None:
    shop, service = bench.client(), bench.service()
    ask = partial(service.send, "GET", CLIENTS)
    person = bench.tokens(shop)["access_token"]
    pages = bench.challenged(ask(headers={"Authorization": f"Bearer {person}"}), "insufficient_scope")
    page = reads(
        pages,
        ("The token stands for a person", "Get a token by client_credentials"),
        ("사용자의 토큰입니다.", "client_credentials로 토큰을 받아 주세요."),
        ("RFC 6750 section 3.1", "openid profile"),
    )
    grant = {"grant_type": "client_credentials", "scope": page.value("Expected")}
    own = service.token(**grant).json()["access_token"]
    bench.secrets |= {own}
    assert ask(headers={"Authorization": f"Bearer {own}"}).status_code == 200
    pages = bench.challenged(service.userinfo(own), "insufficient_scope")
    reads(pages, ("The token stands for a service", "authorization_code"), ("서비스의 토큰입니다.",), ("admin:oauth",))
    pages = bench.challenged(
        service.send("GET", "/api/v1/auth/me", headers={"Authorization": f"Bearer {own}"}), "insufficient_scope"
    )
    reads(pages, ("The token stands for a service",), ("서비스의 토큰입니다.",), ("admin:oauth",))
    assert service.userinfo(person).status_code == 200


@pytest.mark.parametrize(
    ("moved", "claim", "label", "english", "korean"),
    [
        (-3600, "exp", "Seconds ago", "The assertion is signed, but over.", "만료되었습니다"),
        (3600, "iat", "Seconds ahead", "its iat lies ahead", "‘iat’가 미래입니다"),
    ],
    ids=["an hour behind", "an hour ahead"],
)
def test_wrong_clock(
    bench: Bench, signer: Signer, moved: int, claim: str, label: str, english: str, korean: str
) -> None:
    before = int(time.time())
    claims = {"iat": before + moved, "exp": before + moved + 60}
    if claim == "iat":
        claims["exp"] = before + 120  # else its end would be refused, before anybody looks at its beginning
    pages = bench.refused(asserted(bench, signer, **claims), "invalid_client")
    page = reads(
        pages,
        (english, "Set the clock by NTP", "iat now, exp a minute ahead"),
        (korean, "시계를 맞추고"),
        ("RFC 7523 section 3", str(claims[claim])),
    )
    now = page.number("Clock of the portal")
    assert before <= now <= int(time.time())
    assert page.number(claim) == claims[claim]
    assert abs(abs(now - claims[claim]) - page.number(label)) <= 1
    # The fix: the clock of the portal, which the page tells, and a minute.
    offset = now - before
    mended = int(time.time()) + offset
    assert asserted(bench, signer, iat=mended, exp=mended + 60).status_code == 200


def test_wrong_scope_at_the_login(bench: Bench) -> None:
    shop = bench.client()
    pages = bench.sent_back(shop, "invalid_scope", scope="read:groups")
    page = reads(
        pages,
        ("none is registered for this client", "Ask only for scopes that are registered", "Register the scopes"),
        ("등록된 것이 없습니다.", "등록된 스코프만 요청하거나", "스코프 등록"),
        ("RFC 6749 section 3.3", "read:groups", "openid profile"),
    )
    assert (page.value("Received"), page.value("Registered")) == ("read:groups", "openid profile")
    assert "code" in answered(authorized(shop, scope=page.value("Registered")))
    bench.type(page)
    assert redeemed(shop, bench.code(shop, scope="read:groups")).json()["scope"] == "read:groups"


def test_wrong_scope_of_a_service(bench: Bench) -> None:
    service = bench.service()
    ask = partial(service.token, grant_type="client_credentials")
    pages = bench.refused(ask(scope="admin:oauth admin:users"), "invalid_scope")
    page = reads(
        pages,
        ("not registered for services of this client", "Ask only for scopes that are registered"),
        ("서버용으로 등록되지 않은 스코프", "등록된 스코프만 요청하거나"),
        ("RFC 6749 section 3.3",),
    )
    assert (page.value("Received"), page.value("Registered")) == ("admin:users", "admin:oauth")
    assert ask(scope=page.value("Registered")).status_code == 200
    bench.type(page)
    assert ask(scope="admin:oauth admin:users").status_code == 200


def test_a_scope_that_a_token_lacks(bench: Bench) -> None:
    service = bench.service(scope="admin:oauth admin:users")
    narrow = service.token(grant_type="client_credentials", scope="admin:users").json()["access_token"]
    bench.secrets |= {narrow}
    ask = partial(service.send, "GET", CLIENTS)
    pages = bench.challenged(ask(headers={"Authorization": f"Bearer {narrow}"}), "insufficient_scope")
    page = reads(
        pages, ("granted for other scopes than this needs",), ("스코프가 토큰에 없습니다",), ("RFC 6750 section 3.1",)
    )
    assert (page.value("Granted"), page.value("Expected")) == ("admin:users", "admin:oauth")
    wide = service.token(grant_type="client_credentials", scope=page.value("Expected")).json()["access_token"]
    bench.secrets |= {wide}
    assert ask(headers={"Authorization": f"Bearer {wide}"}).status_code == 200


HOSTED = "https://shop.example.com/cb"


def used_code(bench: Bench, shop: LiveClient) -> requests.Response:
    code = bench.code(shop, redirect_uri=HOSTED)
    assert redeemed(shop, code, redirect_uri=HOSTED).status_code == 200
    return redeemed(shop, code, redirect_uri=HOSTED)


Ask = Callable[[Bench, LiveClient], requests.Response]
UNTOLD: dict[str, Ask] = {
    "used code": used_code,
    "unknown code": lambda _, shop: redeemed(shop, "never-was"),
    "missing verifier": lambda bench, shop: redeemed(
        shop, bench.code(shop, redirect_uri=HOSTED), redirect_uri=HOSTED, code_verifier=""
    ),
    "wrong secret": lambda _, shop: redeemed(shop, "never-was", client_secret="wrong"),
}


@pytest.mark.parametrize("name", UNTOLD)
def test_of_a_client_that_nobody_develops_here_who_proved_nothing_reads_the_checks_alone(
    bench: Bench, name: str
) -> None:
    shop = bench.client(redirect=HOSTED)
    told = UNTOLD[name](bench, shop).json()
    assert re.fullmatch(rf"{bench.portal.url}/errors/[a-z-]+", told["error_uri"]), told
    page = bench.pages(told["error_uri"])["en"]
    assert (page.facts, page.commands, "How to fix this" in page.text) == ([], [], True)
    assert shop.client_id not in page.text


def test_of_such_a_client_nobody_reads_what_is_registered(bench: Bench) -> None:
    shop = bench.client(redirect=HOSTED)
    asked = {"client_id": shop.client_id, "redirect_uri": "https://shop.example.org/cb"}
    page = requests.get(f"{bench.portal.url}{AUTHORIZE}", params=asked, timeout=PATIENCE)
    assert (page.status_code, HOSTED in page.text) == (400, False)
    told = answered(authorized(shop, redirect_uri=HOSTED, scope="read:groups"))
    assert told["error_uri"] == f"{bench.portal.url}/errors/scope"
    told = answered(authorized(shop, redirect_uri=HOSTED, code_challenge="", code_challenge_method=""))
    assert told["error_uri"] == f"{bench.portal.url}/errors/challenge-missing"
    page = requests.get(told["error_uri"], timeout=PATIENCE)
    assert shop.client_id not in page.text


def test_of_a_client_that_was_stopped_nothing_is_told_though_it_is_in_development(bench: Bench) -> None:
    shop = bench.client("--in-development", is_confidential=True)
    bench.portal.flask("clients", "disable", shop.client_id)
    assert redeemed(shop, "x").json()["error_uri"] == f"{bench.portal.url}/errors/client-authentication"


def test_an_answer_that_is_no_mistake_of_the_application_leads_to_no_page(bench: Bench) -> None:
    shop = bench.client()
    shop.cookies = {}
    assert set(answered(authorized(shop))) == {"error", "error_description", "state", "iss"}


def test_a_token_that_the_portal_did_not_make_is_told_by_the_topic_alone(bench: Bench) -> None:
    shop = bench.client()
    header, payload, signature = bench.tokens(shop)["id_token"].split(".")
    assert urlsafe_b64decode(payload + "==")
    forged = f"{header}.{payload[:-2]}AA.{signature}"
    for token in (forged, "x.y.z", "opaque", "e30.e30."):
        response = shop.userinfo(token)
        (uri,) = re.findall(r'error_uri="([^"]*)"', response.headers["WWW-Authenticate"])
        assert uri == f"{bench.portal.url}/errors/token"
    assert "error_uri" not in shop.send("GET", USERINFO).headers["WWW-Authenticate"]
