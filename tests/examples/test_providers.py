"""The stand-ins speak as Google, Kakao, Naver, Discord and an OpenID provider do."""

import http.client
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from examples.providers.provider import Provider
from tests.examples.application import CALLBACK, SECONDS, Application, claims
from tests.providers import NotSentBack, Providers, masked
from tests.relying_party import CHALLENGE

NAMES = ["google", "kakao", "naver", "discord", "acme"]
OPENID = ["google", "acme"]


@pytest.fixture(params=NAMES)
def provider(request: pytest.FixtureRequest, providers: Providers) -> Provider:
    """Each of them."""
    return providers[request.param]


@pytest.fixture
def application(provider: Provider) -> Application:
    """An application of each of them."""
    return Application(provider)


def told(profile: dict[str, Any]) -> dict[str, Any]:
    """Subject, name and e-mail, from wherever a provider puts them."""
    account = profile.get("kakao_account", profile.get("response", profile))
    names = account.get("profile", account)
    return {
        "subject": str(account.get("id") or account.get("sub") or profile.get("id")),
        "name": names.get("global_name") or names.get("nickname") or names.get("name"),
        "email": account.get("email"),
    }


def refusal(application: Application, **changes: str | None) -> tuple[int, dict[str, Any]]:
    """What the token endpoint says to a code of kim's, redeemed in a changed way."""
    response = application.redeem(**{"code": application.answer()["code"], **changes})
    return response.status_code, response.json()


# What every provider does


def test_a_login_tells_who_it_is(application: Application) -> None:
    person = application.provider.person("kim")
    assert told(application.profile("kim")) == {"subject": person.subject, "name": person.name, "email": person.email}


def test_people_of_one_provider_have_subjects_of_their_own(provider: Provider) -> None:
    assert len({provider.person(key).subject for key in provider.people}) == len(provider.people)


def test_the_state_comes_back(application: Application) -> None:
    assert application.answer()["state"] == "the-state"


def test_one_post_chooses_somebody(application: Application) -> None:
    response = requests.post(
        application.authorization_url(), data={"person": "lee"}, timeout=SECONDS, allow_redirects=False
    )
    assert response.status_code == 302
    assert response.headers["Location"].startswith(CALLBACK.format(application.provider.name))


def test_the_page_shows_everybody_and_cannot_be_framed(application: Application) -> None:
    page = requests.get(application.authorization_url(), timeout=SECONDS)
    assert all(person.korean in page.text for person in application.provider.people.values())
    assert page.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("changes", [{"client_id": "another"}, {"redirect_uri": "http://localhost:8000/auth"}])
def test_who_is_not_registered_is_kept_on_the_page(application: Application, changes: dict[str, str]) -> None:
    with pytest.raises(NotSentBack) as kept:
        application.answer(**changes)
    assert kept.value.status in {400, 401}


@pytest.mark.parametrize("prefix", ["", "/api", "/api/v1"])
def test_the_callbacks_of_the_portal_are_registered(application: Application, prefix: str) -> None:
    uri = f"http://localhost:8000{prefix}/auth/{application.provider.name}/callback"
    assert application.provider.visit(application.authorization_url(redirect_uri=uri)).startswith(f"{uri}?")


def test_a_code_is_redeemed_once(application: Application) -> None:
    code = application.answer()["code"]
    assert "access_token" in application.redeem(code).json()
    assert "access_token" not in application.redeem(code).json()


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "another"},
        {"client_secret": "wrong"},
        {"redirect_uri": "http://localhost:8000/api/auth/x/callback"},
        {"code_verifier": "wrong"},
        {"code_verifier": None},
        {"grant_type": "password"},
        {"code": "made-up"},
    ],
    ids=str,
)
def test_a_code_is_bound_to_its_request(application: Application, changes: dict[str, str | None]) -> None:
    _, body = refusal(application, **changes)
    assert "error" in body
    assert "access_token" not in body


def test_a_plain_challenge_is_refused(application: Application) -> None:
    assert application.answer(code_challenge_method="plain")["error"] == "invalid_request"


def test_a_code_without_a_challenge_needs_no_verifier(application: Application) -> None:
    code = application.answer(code_challenge=None, code_challenge_method=None)["code"]
    assert "access_token" in application.redeem(code, code_verifier=None).json()


def test_a_token_of_nobody_is_refused(application: Application) -> None:
    assert application.user("made-up").status_code == 401


def test_a_refresh_token_is_no_access_token(application: Application) -> None:
    tokens = application.tokens(access_type="offline", scope="openid email identify offline_access")
    assert application.user(tokens["refresh_token"]).status_code == 401


def test_people_keep_their_address_until_they_are_asked_again(application: Application) -> None:
    again: dict[str, dict[str, str | None]] = {
        "kakao": {"scope": "account_email"},
        "naver": {"auth_type": "reprompt"},
    }
    assert told(application.profile("kim", without_email="1"))["email"] is None
    assert told(application.profile("kim"))["email"] is None
    changes = again.get(application.provider.name, {"prompt": "consent"})
    token = application.tokens("kim", **changes)["access_token"]
    assert told(application.user(token).json())["email"] == "kim.minsu@example.com"


def test_what_was_asked_is_remembered_without_its_secrets(application: Application) -> None:
    code = application.answer()["code"]
    token = application.redeem(code).json()["access_token"]
    application.user(token)
    provider = application.provider
    asked = provider.awaited("authorize").parameters
    assert asked["code_challenge"] == CHALLENGE
    assert asked["nonce"] == "the-nonce"
    assert provider.awaited("token").parameters["code"] == masked(code)
    assert provider.awaited("user").authorization == f"Bearer {masked(token)}"
    everything = str(provider.requests)
    assert all(secret not in everything for secret in (code, token, provider.client_secret))
    assert {code, token} <= provider.issued


# What each does in its own way


def test_people_who_cancel_are_sent_back_in_the_words_of_each(application: Application) -> None:
    expected = {
        "google": {"error": "access_denied"},
        "kakao": {"error": "access_denied", "error_description": "User denied access"},
        "naver": {"error": "access_denied", "error_description": "Canceled By User"},
        "discord": {
            "error": "access_denied",
            "error_description": "The resource owner or authorization server denied the request",
        },
        "acme": {
            "error": "access_denied",
            "error_description": "The person cancelled.",
            "iss": application.provider.url,
        },
    }[application.provider.name]
    assert application.answer(fields={"cancel": "1"}) == {"state": "the-state", **expected}


@pytest.mark.parametrize(
    ("name", "changes", "status", "error"),
    [
        ("google", {"code": "x"}, 400, {"error": "invalid_grant", "error_description": "Bad Request"}),
        ("google", {"client_secret": "x"}, 401, {"error": "invalid_client", "error_description": "Unauthorized"}),
        ("google", {"redirect_uri": "x"}, 400, {"error": "redirect_uri_mismatch", "error_description": "Bad Request"}),
        ("kakao", {"code": "x"}, 400, {"error": "invalid_grant", "error_code": "KOE320"}),
        ("kakao", {"client_id": "x"}, 401, {"error": "invalid_client", "error_code": "KOE101"}),
        ("kakao", {"client_secret": None}, 401, {"error": "invalid_client", "error_code": "KOE010"}),
        ("kakao", {"redirect_uri": "x"}, 400, {"error": "invalid_grant", "error_code": "KOE303"}),
        ("naver", {"code": "x"}, 200, {"error": "invalid_request", "error_description": "no valid data in session"}),
        ("naver", {"state": None}, 200, {"error": "invalid_request"}),
        ("naver", {"client_secret": "x"}, 200, {"error": "invalid_client"}),
        (
            "discord",
            {"code": "x"},
            400,
            {"error": "invalid_grant", "error_description": 'Invalid "code" in request.'},
        ),
        ("discord", {"client_secret": "x"}, 401, {"error": "invalid_client"}),
        ("acme", {"code": "x"}, 400, {"error": "invalid_grant"}),
        ("acme", {"client_secret": "x"}, 401, {"error": "invalid_client"}),
    ],
)
def test_the_token_endpoint_refuses_in_the_words_of_each(
    providers: Providers, name: str, changes: dict[str, str | None], status: int, error: dict[str, str]
) -> None:
    answered, body = refusal(Application(providers[name]), **changes)
    assert answered == status
    assert error.items() <= body.items()


def test_google_gives_a_refresh_token_once(providers: Providers) -> None:
    application = Application(providers.google)
    assert "refresh_token" not in application.tokens("lee")
    assert "refresh_token" in application.tokens("kim", access_type="offline")
    assert "refresh_token" not in application.tokens("kim", access_type="offline")
    assert "refresh_token" in application.tokens("kim", access_type="offline", prompt="consent")


@pytest.mark.parametrize(
    "user_agent",
    [
        "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36 KAKAOTALK 2610650",
        "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Mobile/15E148 NAVER(inapp; search; 1600; 12.9.1; 15)",
        "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Mobile/15E148 Instagram 350.0.0.1",
        "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Mobile/15E148 [FBAN/FBIOS;FBAV/480.0.0]",
        "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Mobile/15E148 Safari Line/14.1.0",
        "Mozilla/5.0 (Linux; Android 15; SM-S931N; wv) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
    ],
)
def test_google_refuses_browsers_inside_other_apps(providers: Providers, user_agent: str) -> None:
    with pytest.raises(NotSentBack, match="disallowed_useragent") as kept:
        Application(providers.google).answer(fields={"user_agent": user_agent})
    assert kept.value.status == 403


def test_a_window_that_comes_by_google_loses_its_opener(providers: Providers) -> None:
    headers = {
        name: requests.get(Application(providers[name]).authorization_url(), timeout=SECONDS).headers for name in NAMES
    }
    assert {name for name in NAMES if "Cross-Origin-Opener-Policy" in headers[name]} == {"google"}
    assert headers["google"]["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize("name", OPENID)
def test_discovery_leads_to_keys_that_verify_the_id_token(providers: Providers, name: str) -> None:
    provider = providers[name]
    document = requests.get(f"{provider.url}/.well-known/openid-configuration", timeout=SECONDS).json()
    assert document["issuer"] == provider.url
    keys = KeySet.import_key_set(requests.get(document["jwks_uri"], timeout=SECONDS).json())
    token = jwt.decode(Application(provider).tokens()["id_token"], keys, algorithms=["RS256"])
    expected = {"iss": provider.url, "aud": provider.client_id, "nonce": "the-nonce", "email_verified": True}
    assert expected.items() <= token.claims.items()
    assert token.claims["sub"] == provider.person("kim").subject


def test_google_still_answers_at_the_older_address(providers: Providers) -> None:
    token = Application(providers.google).tokens()["access_token"]
    url = f"{providers.google.url}/oauth2/v2/userinfo"
    account = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=SECONDS).json()
    assert account["id"] == providers.google.person("kim").subject
    assert account["verified_email"] is True


def test_kakao_answers_each_thing_at_its_own_address(providers: Providers) -> None:
    auth, api = (providers.kakao.sites[name].url for name in ("auth", "api"))
    assert requests.get(f"{auth}/v2/user/me", timeout=SECONDS).status_code == 404
    assert requests.post(f"{api}/oauth/token", timeout=SECONDS).status_code == 404


def test_kakao_has_numbers_and_says_what_is_agreed_to(providers: Providers) -> None:
    application = Application(providers.kakao)
    profile = application.profile("kim")
    assert isinstance(profile["id"], int)
    assert profile["kakao_account"]["is_email_valid"]
    assert profile["kakao_account"]["is_email_verified"]
    assert not application.profile("park")["kakao_account"]["is_email_verified"]
    kept = application.profile("lee", without_email="1")["kakao_account"]
    assert kept["email_needs_agreement"]
    assert kept["has_email"]
    assert {"email", "is_email_valid", "is_email_verified"} & kept.keys() == set()
    none = application.profile("choi")["kakao_account"]
    assert not none["has_email"]
    assert "email" not in none


def test_kakao_says_how_long_the_refresh_token_lives(providers: Providers) -> None:
    assert Application(providers.kakao).tokens()["refresh_token_expires_in"] > 0


def test_kakao_unlinks_by_the_token_or_by_the_admin_key(providers: Providers) -> None:
    kakao, application = providers.kakao, Application(providers.kakao)
    url = f"{kakao.sites['api'].url}/v1/user/unlink"
    subject = kakao.person("kim").subject
    token = application.tokens()["access_token"]
    unlinked = requests.post(url, headers={"Authorization": f"Bearer {token}"}, timeout=SECONDS)
    assert unlinked.json() == {"id": int(subject)}
    assert application.user(token).json() == {"msg": "this access token does not exist", "code": -401}

    named = {"target_id_type": "user_id", "target_id": subject}
    admin = {"Authorization": f"KakaoAK {kakao.admin_key}"}
    token = application.tokens()["access_token"]
    assert requests.post(url, named, headers={"Authorization": "KakaoAK wrong"}, timeout=SECONDS).status_code == 401
    assert application.user(token).status_code == 200
    assert requests.post(url, named, headers=admin, timeout=SECONDS).json() == {"id": int(subject)}
    assert application.user(token).status_code == 401
    assert requests.post(url, named, headers=admin, timeout=SECONDS).json()["code"] == -101
    assert kakao.awaited("revoke").authorization == f"KakaoAK {masked(kakao.admin_key)}"


def test_naver_puts_everything_under_response_and_counts_in_a_string(providers: Providers) -> None:
    application = Application(providers.naver)
    tokens = application.tokens()
    assert tokens["expires_in"] == "3600"
    account = application.user(tokens["access_token"]).json()
    assert account["resultcode"] == "00"
    assert account["response"]["id"] == providers.naver.person("kim").subject
    assert application.user("made-up").json()["resultcode"] == "024"
    assert "email" not in application.profile("choi")["response"]


def test_naver_wants_a_state(providers: Providers) -> None:
    with pytest.raises(NotSentBack):
        Application(providers.naver).answer(state=None)


def test_naver_deletes_a_token_where_it_gives_them(providers: Providers) -> None:
    application = Application(providers.naver)
    token = application.tokens()["access_token"]
    deleted = application.redeem("", grant_type="delete", access_token=token)
    assert deleted.json() == {"access_token": token, "result": "success"}
    assert providers.naver.awaited("revoke").parameters["access_token"] == masked(token)
    assert application.user(token).status_code == 401
    assert "error" in application.redeem("", grant_type="delete", access_token=token).json()


def test_discord_refuses_programs_that_do_not_name_themselves(providers: Providers) -> None:
    connection = http.client.HTTPConnection(urlsplit(providers.discord.url).netloc, timeout=SECONDS)
    connection.request("GET", "/api/users/@me")
    assert connection.getresponse().status == 403
    connection.close()
    response = Application(providers.discord).user("made-up")
    assert response.status_code == 401
    assert response.json() == {"message": "401: Unauthorized", "code": 0}


def test_discord_tells_an_address_only_with_its_scope(providers: Providers) -> None:
    application = Application(providers.discord)
    profile = application.profile("kim")
    assert profile["verified"] is True
    assert len(profile["avatar"]) == 32
    token = application.tokens("kim", scope="identify")["access_token"]
    assert "email" not in application.user(token).json()
    nobody = application.profile("choi")
    assert nobody["email"] is None
    assert nobody["avatar"] is None


def test_acme_says_from_whom_an_answer_comes(providers: Providers) -> None:
    assert Application(providers.acme).answer()["iss"] == providers.acme.url
    providers.acme.switch("other_issuer")
    assert Application(providers.acme).answer()["iss"] != providers.acme.url


def test_acme_knows_its_client_by_basic_only(providers: Providers) -> None:
    acme = providers.acme
    form = {"grant_type": "authorization_code", "client_id": acme.client_id, "client_secret": acme.client_secret}
    assert requests.post(f"{acme.url}/token", form, timeout=SECONDS).status_code == 401


@pytest.mark.parametrize("name", ["google", "discord", "acme"])
def test_a_revoked_token_is_good_for_nothing(providers: Providers, name: str) -> None:
    application = Application(providers[name])
    token = application.tokens()["access_token"]
    url = f"{providers[name].url}{'/api/oauth2/token/revoke' if name == 'discord' else '/revoke'}"
    basic = (providers[name].client_id, providers[name].client_secret)
    assert requests.post(url, {"token": token}, auth=basic, timeout=SECONDS).status_code == 200
    assert application.user(token).status_code == 401
    assert providers[name].awaited("revoke").parameters["token"] == masked(token)


@pytest.mark.parametrize("name", OPENID)
def test_a_granted_scope_decides_what_is_told(providers: Providers, name: str) -> None:
    token = Application(providers[name]).tokens(scope="openid")["id_token"]
    assert {"name", "email", "email_verified"} & claims(token).keys() == set()
