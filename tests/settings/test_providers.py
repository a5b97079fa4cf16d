"""Identity providers come from the settings alone, whole or with a line that says which half is missing."""

from pathlib import Path

import pytest

from app.settings import ConfigurationError, Settings

ACME = {
    "OIDC_PROVIDERS": "acme",
    "OIDC_ACME_ISSUER": "https://id.acme.example",
    "OIDC_ACME_CLIENT_ID": "portal",
    "OIDC_ACME_CLIENT_SECRET": "hidden",
}
PAIRS = [
    ("GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"),
    ("KAKAO_REST_API_KEY", "KAKAO_CLIENT_SECRET"),
    ("NAVER_CLIENT_ID", "NAVER_CLIENT_SECRET"),
    ("DISCORD_CLIENT_ID", "DISCORD_CLIENT_SECRET"),
]


def read(tmp_path: Path, **environ: str) -> Settings:
    return Settings.for_testing(tmp_path / "instance", **environ)


def problems(tmp_path: Path, **environ: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, **environ)
    return caught.value.problems


def test_nobody_is_there_by_itself(tmp_path: Path) -> None:
    assert read(tmp_path).providers.names == ()


def test_providers_are_there_when_id_and_secret_are(tmp_path: Path) -> None:
    both = {name: "x" for pair in PAIRS for name in pair}
    assert read(tmp_path, **both, **ACME).providers.names == ("kakao", "naver", "google", "discord", "acme")


@pytest.mark.parametrize(("client_id", "secret"), PAIRS)
def test_half_of_a_provider_is_a_problem_with_its_own_line(tmp_path: Path, client_id: str, secret: str) -> None:
    for given, missing in ((client_id, secret), (secret, client_id)):
        (problem,) = problems(tmp_path, **{given: "x"})
        assert problem.startswith(f"{missing} is missing: {given} is set")


@pytest.mark.parametrize("missing", [name for name in ACME if name != "OIDC_PROVIDERS"])
def test_half_of_a_generic_provider_is_one_too(tmp_path: Path, missing: str) -> None:
    assert problems(tmp_path, **{**ACME, missing: ""}) == [f"{missing} is missing: OIDC_PROVIDERS names acme"]


def test_several_generic_providers_have_settings_of_their_own(tmp_path: Path) -> None:
    second = {
        "OIDC_PROVIDERS": "acme, big-co",
        "OIDC_BIG_CO_ISSUER": "https://big.example/tenant/",
        "OIDC_BIG_CO_CLIENT_ID": "other",
        "OIDC_BIG_CO_CLIENT_SECRET": "hidden too",
        "OIDC_BIG_CO_NAME": "Big Company",
        "OIDC_BIG_CO_SCOPE": "openid email",
        "OIDC_BIG_CO_TRUSTS_EMAIL": "true",
    }
    acme, big = read(tmp_path, **{**ACME, **second}).providers.generic
    assert (acme.client_id, acme.scope, acme.trusts_email) == ("portal", "openid email profile", False)
    assert (big.issuer, big.title, big.scope) == ("https://big.example/tenant/", "Big Company", "openid email")
    assert big.trusts_email


def test_the_secret_of_a_generic_provider_can_stand_in_a_file_and_is_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from a file\n")
    given = {**ACME, "OIDC_ACME_CLIENT_SECRET": "", "OIDC_ACME_CLIENT_SECRET_FILE": str(file)}
    settings = read(tmp_path, **given)
    assert settings.providers.credentials("acme") == ("portal", "from a file")
    shown = {row.variable: row.value for row in settings.rows()}
    assert shown["OIDC_ACME_ISSUER"] == ACME["OIDC_ACME_ISSUER"]
    assert "from a file" not in str(shown)


@pytest.mark.parametrize(
    "name", ["Acme", "acme_two", "a.b", "-a", "a-", "a--b", "x" * 31, "google", "login", "unlink", "../x", "é"]
)
def test_names_that_cannot_stand_in_an_address_are_refused(tmp_path: Path, name: str) -> None:
    (problem,) = problems(tmp_path, **{**ACME, "OIDC_PROVIDERS": name})
    assert problem.startswith("OIDC_PROVIDERS must")


def test_a_name_counts_once(tmp_path: Path) -> None:
    assert problems(tmp_path, **{**ACME, "OIDC_PROVIDERS": "acme acme"}) == ["OIDC_PROVIDERS must not name one twice"]


@pytest.mark.parametrize("variable", ["GOOGLE_ISSUER", "KAKAO_AUTH_URL", "NAVER_API_URL", "DISCORD_URL"])
def test_addresses_are_https_or_of_this_machine(tmp_path: Path, variable: str) -> None:
    for good in ("https://id.example.com", "http://127.0.0.1:8101", "http://localhost:8101/below", "http://[::1]:1"):
        read(tmp_path, **{variable: good})
    for bad in (
        *("http://id.example.com", "ftp://localhost", "https://a:b@id.example.com", "https://id.example.com/?x=1"),
        *("https://id.example.com#x", "id.example.com", "https://", "https://id.example.com:x", "https://ä.example"),
        *("http://localhost.example.com", "https://[::1"),
    ):
        (problem,) = problems(tmp_path, **{variable: bad})
        assert problem.startswith(f"{variable} must"), bad


def test_a_generic_provider_speaks_openid(tmp_path: Path) -> None:
    assert problems(tmp_path, **ACME, OIDC_ACME_SCOPE="email") == ["OIDC_ACME_SCOPE must hold openid"]
