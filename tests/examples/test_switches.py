"""What can be made to go wrong at the stand-ins does, and nothing else."""

import socket
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from examples.providers.faults import INNER_ADDRESS
from examples.providers.switches import FORGERIES
from tests.examples.application import SECONDS, Application, claims
from tests.examples.test_providers import NAMES, OPENID, told
from tests.providers import Providers


@pytest.fixture(params=NAMES)
def application(request: pytest.FixtureRequest, providers: Providers) -> Application:
    """An application of each provider."""
    return Application(providers[request.param])


def test_people_cancel(application: Application) -> None:
    application.provider.switch("cancel")
    assert application.answer("kim")["error"] == "access_denied"


def test_the_browser_is_told_an_error_with_markup_in_it(application: Application) -> None:
    application.provider.switch("refusal", "temporarily_unavailable")
    answer = application.answer("kim")
    assert answer["error"] == "temporarily_unavailable"
    assert "<script>" in answer["error_description"]


def test_no_address_is_told(application: Application) -> None:
    application.provider.switch("no_email")
    assert told(application.profile("kim"))["email"] is None


@pytest.mark.parametrize("name", ["google", "kakao", "discord", "acme"])
def test_an_address_is_told_as_unverified(providers: Providers, name: str) -> None:
    providers[name].switch("unverified_email")
    profile = Application(providers[name]).profile("kim")
    account = profile.get("kakao_account", profile)
    flags = ("email_verified", "is_email_verified", "verified")
    assert [account[flag] for flag in flags if flag in account] == [False]


def test_kakao_says_that_an_address_is_another_accounts_by_now(providers: Providers) -> None:
    providers.kakao.switch("invalid_email")
    assert Application(providers.kakao).profile("kim")["kakao_account"]["is_email_valid"] is False


@pytest.mark.parametrize(("value", "email"), [(True, "changed@example.com"), ("ceo@example.com", "ceo@example.com")])
def test_an_address_changes_and_the_subject_stays(application: Application, value: bool | str, email: str) -> None:
    before = told(application.profile("kim"))
    application.provider.switch("changed_email", value)
    assert told(application.profile("kim")) == {**before, "email": email}


def test_an_account_made_again_has_the_address_and_another_subject(application: Application) -> None:
    before = told(application.profile("kim"))
    application.provider.switch("recreated")
    after = told(application.profile("kim"))
    assert after["subject"] != before["subject"]
    assert after["email"] == before["email"]
    application.provider.switch("recreated", "1234567890")
    assert told(application.profile("kim"))["subject"] == "1234567890"


def test_tokens_are_revoked_before_they_are_used(application: Application) -> None:
    application.provider.switch("revoked")
    assert application.user(application.tokens()["access_token"]).status_code == 401


def test_a_profile_is_hostile(application: Application) -> None:
    application.provider.switch("hostile")
    profile = application.profile("kim")
    assert told(profile)["name"] == "<img src=x onerror=alert(1)>"
    assert "javascript:alert(1)" in str(profile)
    application.provider.switch("hostile", "long")
    assert len(told(application.profile("kim"))["name"]) == 5_000
    application.provider.switch("hostile", "unicode")
    strange = told(application.profile("kim"))
    assert unicodedata.normalize("NFC", strange["name"]) != strange["name"]
    assert unicodedata.normalize("NFKC", strange["email"]) != unicodedata.normalize("NFC", strange["email"])
    application.provider.switch("hostile", "types")
    assert told(application.profile("kim"))["email"] == 42


def test_an_endpoint_answers_500_and_the_others_do_not(application: Application) -> None:
    application.provider.switch("error", "user")
    assert application.user(application.tokens()["access_token"]).status_code == 500
    application.provider.switch("error")
    assert application.redeem(application.answer()["code"]).status_code == 500


def test_a_connection_is_reset(application: Application) -> None:
    application.provider.switch("reset")
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        application.redeem("any")


def test_a_page_is_answered_where_json_is_expected(application: Application) -> None:
    application.provider.switch("html")
    response = application.redeem("any")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")


def test_ten_megabytes_are_answered_without_saying_so_before(application: Application) -> None:
    application.provider.switch("huge")
    response = application.redeem("any")
    assert "Content-Length" not in response.headers
    assert len(response.content) > 10_000_000
    assert response.json()["token_type"] == "bearer"


def test_one_is_redirected_to_an_inner_address(application: Application) -> None:
    application.provider.switch("redirect")
    response = application.redeem("any")
    assert response.status_code == 302
    assert response.headers["Location"] == INNER_ADDRESS


def test_bytes_drip_until_they_are_let_be(application: Application) -> None:
    application.provider.switch("drip", "user")
    with socket.create_connection((host_of(application), port_of(application)), SECONDS) as connection:
        path = {"google": "/v1/userinfo", "kakao": "/v2/user/me", "naver": "/v1/nid/me", "acme": "/userinfo"}
        target = path.get(application.provider.name, "/api/users/@me")
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nUser-Agent: x\r\n\r\n".encode())
        received = b""
        while not received.endswith(b"\r\n\r\n  "):
            received += connection.recv(1)
        application.provider.switch("drip", False)
        while connection.recv(1):
            pass


def host_of(application: Application) -> str:
    """Where the account is told."""
    return list(application.provider.sites.values())[-1].url.split("/")[2].split(":")[0]


def port_of(application: Application) -> int:
    """Where the account is told."""
    return list(application.provider.sites.values())[-1].port


def test_answers_come_late(application: Application) -> None:
    application.provider.switch("slow", 600)
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(application.redeem, "any")
        application.provider.await_hanging()
        assert not answer.done()
        application.provider.stop()
        with pytest.raises(requests.ConnectionError):
            answer.result()
    application.provider.start()
    application.provider.switch("slow", 0.01)
    assert "error" in application.redeem("any").json()


def test_many_hang_until_they_are_let_go(application: Application) -> None:
    application.provider.switch("hang")
    with ThreadPoolExecutor(50) as threads:
        answers = [threads.submit(application.redeem, "any") for _ in range(50)]
        application.provider.await_hanging(50)
        assert not any(answer.done() for answer in answers)
        application.provider.switch("hang", False)
        assert all("error" in answer.result().json() for answer in answers)


def test_people_are_served_while_programs_hang(application: Application) -> None:
    application.provider.switch("hang")
    assert "code" in application.answer()


def test_a_provider_is_down_and_up_again_where_it_was(application: Application) -> None:
    application.provider.stop()
    with pytest.raises(requests.ConnectionError, match="refused"):
        application.redeem("any")
    application.provider.start()
    assert "error" in application.redeem("any").json()


def test_stopping_ends_connections_that_are_kept_open(application: Application) -> None:
    with socket.create_connection((host_of(application), port_of(application)), SECONDS) as connection:
        connection.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\nUser-Agent: x\r\n\r\n")
        assert connection.recv(1) == b"H"
        application.provider.stop()
        while connection.recv(1 << 16):
            pass


def test_no_thread_is_left() -> None:
    before = set(threading.enumerate())
    with Providers() as providers:
        providers.google.switch("hang")
        with ThreadPoolExecutor() as threads:
            answer = threads.submit(Application(providers.google).redeem, "any")
            providers.google.await_hanging()
            providers.stop()
            assert isinstance(answer.exception(), requests.ConnectionError)
    for thread in set(threading.enumerate()) - before:
        thread.join(SECONDS)
        assert not thread.is_alive()


@pytest.mark.parametrize("name", ["hang", "forged", "hostile"])
def test_a_switch_has_its_values_and_no_others(providers: Providers, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        providers.google.switch(name, "made-up")


def test_there_is_no_switch_that_nothing_hears(providers: Providers) -> None:
    with pytest.raises(KeyError):
        providers.kakao.switch("forged")


def test_all_switches_are_off_after_a_reset(application: Application) -> None:
    for switch in application.provider.switches:
        application.provider.switch(switch.name, 1 if switch.values is None else True)
    application.provider.reset()
    assert application.provider.requests == []
    assert told(application.profile("kim"))["email"] == "kim.minsu@example.com"


# ID tokens


def verify(token: str, providers: Providers, name: str) -> dict[str, object]:
    """The claims of a token, if it is signed as one would expect."""
    path = {"google": "/oauth2/v3/certs", "acme": "/keys"}[name]
    keys = KeySet.import_key_set(requests.get(f"{providers[name].url}{path}", timeout=SECONDS).json())
    return dict(jwt.decode(token, keys, algorithms=["RS256"]).claims)


@pytest.mark.parametrize("name", OPENID)
@pytest.mark.parametrize("forgery", ["none", "kid", "signature", "hs256", "alg"])
def test_a_forged_signature_does_not_verify(providers: Providers, name: str, forgery: str) -> None:
    providers[name].switch("forged", forgery)
    token = Application(providers[name]).tokens()["id_token"]
    with pytest.raises((JoseError, ValueError)):
        verify(token, providers, name)


CLAIMS: dict[str, Callable[[dict[str, object], dict[str, object]], bool]] = {
    "aud": lambda forged, true: forged["aud"] != true["aud"],
    "azp": lambda forged, true: forged["azp"] != true["azp"],
    "iss": lambda forged, true: forged["iss"] != true["iss"],
    "nonce": lambda forged, true: forged["nonce"] != true["nonce"],
    "no_nonce": lambda forged, true: "nonce" not in forged,
    "expired": lambda forged, true: str(forged["exp"]) < str(true["iat"]),
    "at_hash": lambda forged, true: len(str(forged["at_hash"])) == len(str(true["at_hash"])),
    "sub": lambda forged, true: forged["sub"] == true["sub"],
}


@pytest.mark.parametrize("name", OPENID)
@pytest.mark.parametrize("forgery", CLAIMS)
def test_a_forged_claim_is_signed_well(providers: Providers, name: str, forgery: str) -> None:
    true = claims(Application(providers[name]).tokens()["id_token"])
    providers[name].switch("forged", forgery)
    assert CLAIMS[forgery](verify(Application(providers[name]).tokens()["id_token"], providers, name), true)


@pytest.mark.parametrize("name", OPENID)
def test_userinfo_is_of_somebody_else(providers: Providers, name: str) -> None:
    providers[name].switch("forged", "sub")
    application = Application(providers[name])
    tokens = application.tokens()
    assert application.user(tokens["access_token"]).json()["sub"] != claims(tokens["id_token"])["sub"]


@pytest.mark.parametrize("name", OPENID)
def test_an_id_token_is_missing(providers: Providers, name: str) -> None:
    providers[name].switch("forged", "absent")
    assert "id_token" not in Application(providers[name]).tokens()


@pytest.mark.parametrize("name", OPENID)
def test_a_discovery_document_is_wrong(providers: Providers, name: str) -> None:
    url = f"{providers[name].url}/.well-known/openid-configuration"
    told = {}
    for value in (False, "issuer", "inner", "lacking", "list"):
        providers[name].switch("metadata", value)
        told[value] = requests.get(url, timeout=SECONDS).json()
    true = told[False]
    assert true["issuer"] == providers[name].url
    assert told["issuer"]["issuer"] != true["issuer"]
    assert told["inner"]["token_endpoint"] == INNER_ADDRESS
    assert "token_endpoint" not in told["lacking"]
    assert told["list"] == [true]


def test_every_forgery_is_tested() -> None:
    assert FORGERIES.keys() == {*CLAIMS, "none", "kid", "signature", "hs256", "alg", "absent"}
