"""Hashes of other systems are understood, kept in one form, bounded in what they cost, and opened by their password."""

import base64
import json
import logging
import unicodedata
from typing import Any

import pytest

from app.errors import InvalidInput
from app.services.hashes.origins import UNKNOWN, kept
from app.services.hashes.schemes import COSTLY, DAMAGED
from app.services.people.passwords import LONGEST_TYPED, Passwords
from tests.services.hashes.vectors import DEFAULTS, KEYCLOAK, KOREAN, PASSWORD, VECTORS

PASSWORDS = Passwords(is_throwaway=True)
ALL: list[tuple[str, str, Any]] = [*VECTORS, *((name, PASSWORD, credential) for name, credential in KEYCLOAK)]
B64 = base64.b64encode(bytes(32)).decode()
BARE = B64.rstrip("=")
BCRYPT = "$2b$04$bLkyAN9lpauPG7tGxwpsSOCU6K13jartSjm8DrH7Plg6W.M69nRGa"


@pytest.mark.parametrize(("password", "given"), [each[1:] for each in ALL], ids=[each[0] for each in ALL])
def test_a_hash_is_opened_by_its_password_and_no_other(password: str, given: Any) -> None:
    stored = kept(given)
    assert stored is not None
    assert PASSWORDS.matches(stored, password)
    for wrong in (f"{password}x", password[:-1], "x" * LONGEST_TYPED):
        assert not PASSWORDS.matches(stored, wrong)
    assert PASSWORDS.needs_rehash(stored, password)
    assert not PASSWORDS.needs_rehash(PASSWORDS.hash(password), password)


@pytest.mark.parametrize("given", [each[2] for each in ALL], ids=[each[0] for each in ALL])
def test_what_is_kept_is_understood_again_and_kept_alike(given: Any) -> None:
    stored = kept(given)
    assert stored is not None
    assert kept(stored) == stored


@pytest.mark.parametrize("given", DEFAULTS)
def test_what_libraries_begin_with_is_within_bounds(given: str) -> None:
    assert kept(given)


def test_a_hash_of_a_decomposed_password_opens_by_what_was_typed_there() -> None:
    decomposed = unicodedata.normalize("NFD", KOREAN)
    stored = kept(next(given for name, _, given in VECTORS if name == "django korean"))
    assert PASSWORDS.matches(stored, decomposed)
    there = PASSWORDS._hasher.hash(decomposed)
    assert PASSWORDS.matches(kept(there), decomposed)
    assert not PASSWORDS.matches(kept(there), KOREAN)


def test_a_credential_of_keycloak_is_read_as_text_too_and_with_objects_inside() -> None:
    _, credential = KEYCLOAK[1]
    opened = {**credential, "secretData": json.loads(credential["secretData"])}
    assert kept(json.dumps(credential)) == kept(credential) == kept(opened)


def test_of_a_long_pbkdf2_hash_the_block_that_decides_is_kept() -> None:
    long, short = (kept(credential) for name, credential in KEYCLOAK if name.startswith("keycloak pbkdf2-sha256"))
    assert long == short


@pytest.mark.parametrize(
    "given",
    [
        f"$scrypt$ln=15,r=1,p=16${BARE}${BARE}",
        f"$scrypt$ln=17,r=8,p=2${BARE}${BARE}",
        f"$scrypt$ln=1,r=8192,p=16${BARE}${BARE}",
        f"$argon2id$v=19$m=131072,t=1,p=16${BARE}${BARE}",
        f"$argon2d$m=8,t=1,p=1$AAAAAAAAAAA${BARE}",
    ],
)
def test_what_is_at_the_bounds_can_be_checked(given: str) -> None:
    assert not PASSWORDS.matches(kept(given), PASSWORD)


@pytest.mark.parametrize("given", ["", "   ", "!", "!aX9pQd3kfL0s"])
def test_where_nobody_has_a_password_there_is_none(given: str) -> None:
    assert kept(given) is None


def credential(**changes: Any) -> dict[str, Any]:
    about = {"hashIterations": 1000, "algorithm": "pbkdf2-sha256", **changes.pop("about", {})}
    return {"secretData": {"value": B64, "salt": B64}, "credentialData": about, **changes}


ARGON2 = {"memory": ["7168"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]}


@pytest.mark.parametrize(
    "given",
    [
        "$2b$15$bLkyAN9lpauPG7tGxwpsSOCU6K13jartSjm8DrH7Plg6W.M69nRGa",
        "$2b$31$bLkyAN9lpauPG7tGxwpsSOCU6K13jartSjm8DrH7Plg6W.M69nRGa",
        "$2b$03$bLkyAN9lpauPG7tGxwpsSOCU6K13jartSjm8DrH7Plg6W.M69nRGa",
        "bcrypt_sha256$$2b$20$bLkyAN9lpauPG7tGxwpsSOCU6K13jartSjm8DrH7Plg6W.M69nRGa",
        f"pbkdf2_sha256$2000001$salt${B64}",
        f"pbkdf2_sha256$0$salt${B64}",
        f"pbkdf2:sha256:9999999999$salt${'00' * 32}",
        f"pbkdf2_sha256$1000${'s' * 129}${B64}",
        f"$argon2id$v=19$m=131073,t=1,p=1${BARE}${BARE}",
        f"$argon2id$v=19$m=131072,t=5,p=1${BARE}${BARE}",
        f"$argon2id$v=19$m=1024,t=9999999,p=1${BARE}${BARE}",
        f"$argon2id$v=19$m=1024,t=1,p=17${BARE}${BARE}",
        f"$argon2id$v=19$m=8,t=1,p=2${BARE}${BARE}",
        f"$scrypt$ln=18,r=8,p=1${BARE}${BARE}",
        f"$scrypt$ln=9999999999,r=8,p=1${BARE}${BARE}",
        f"$scrypt$ln=14,r=8,p=17${BARE}${BARE}",
        f"$scrypt$ln=17,r=8,p=3${BARE}${BARE}",
        f"$scrypt$ln=16,r=1,p=1${BARE}${BARE}",
        f"$scrypt$ln=0,r=8,p=1${BARE}${BARE}",
        f"scrypt:1048576:8:1$salt${'00' * 64}",
        f"scrypt$2$salt$9999999999$1${B64}",
        credential(about={"hashIterations": 2_000_001}),
        credential(about={"hashIterations": -1}),
        credential(about={"algorithm": "argon2", "additionalParameters": {**ARGON2, "memory": ["1048576"]}}),
    ],
)
def test_what_takes_too_much_to_check_is_refused(given: Any) -> None:
    with pytest.raises(InvalidInput) as refusal:
        kept(given)
    assert (refusal.value.message, refusal.value.field) == (COSTLY, "password_hash")


@pytest.mark.parametrize(
    "given",
    [
        BCRYPT[:-1],
        BCRYPT + "x",
        BCRYPT.replace("$2b$", "$2x$"),
        BCRYPT.replace("wpsSO", "wpsSP"),
        BCRYPT.replace("04", "０４"),
        "bcrypt$",
        "bcrypt_sha256$$2b$04$short",
        f"pbkdf2_sha256$1000$salt${B64[:-4]}",
        f"pbkdf2_sha256$1000$salt${B64[:-9]}*{B64[-8:]}",
        f"pbkdf2_sha256$1000${B64}",
        f"pbkdf2_sha256$10 00$salt${B64}",
        f"pbkdf2_sha256$-1$salt${B64}",
        f"pbkdf2_sha256$１０００$salt${B64}",
        f"pbkdf2_sha256$1000$${B64}",
        f"pbkdf2_sha1$1000$salt${B64}",
        "pbkdf2:sha256:1000$salt$zz",
        "pbkdf2:sha256$salt$00",
        f"pbkdf2:sha256:1000$salt${'00' * 31}",
        f"scrypt:1000:8:1$salt${'00' * 64}",
        f"scrypt:1024:8$salt${'00' * 64}",
        f"scrypt$1024$salt$8${B64}",
        f"$scrypt$ln=10,p=1,r=8${BARE}${BARE}",
        f"$scrypt$ln=10,r=8,p=1${BARE}$AAAA",
        f"$argon2id$v=19$m=1024,t=0,p=1${BARE}${BARE}",
        f"$argon2id$v=18$m=1024,t=1,p=1${BARE}${BARE}",
        f"$argon2id$v=19$m=1024,t=1,p=1$AAAA${BARE}",
        f"$argon2id$v=19$m=1024,t=1,p=1${BARE[:-1]}B${BARE}",
        f"$argon2id$v=19$m=1024,t=1,p=1${BARE}",
        f"$argon2xx$v=19$m=1024,t=1,p=1${BARE}${BARE}",
        "{}",
        '{"secretData": "x", "credentialData": "{}"}',
        '{"secretData": {}, "secretData": {}}',
        "{" * 2000,
        "pbkdf2_sha256$1000$\ud800$AAAA",
        credential(secretData="[]"),
        credential(secretData={"value": 1, "salt": B64}),
        credential(secretData={"value": B64}),
        credential(secretData={"value": "\ud800", "salt": B64}),
        credential(secretData={"value": "AAAA", "salt": B64}),
        credential(about={"hashIterations": "1000"}),
        credential(about={"hashIterations": True}),
        credential(about={"algorithm": "argon2"}),
        credential(about={"algorithm": "argon2", "additionalParameters": {**ARGON2, "memory": []}}),
    ],
)
def test_what_is_not_whole_is_refused(given: Any) -> None:
    with pytest.raises(InvalidInput) as refusal:
        kept(given)
    assert refusal.value.message == DAMAGED


@pytest.mark.parametrize(
    "given",
    [
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "{SSHA}abcdef==x"[1:],
        "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99",
        "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
        "$6$salt$x",
        f"$pbkdf2-md5$1000${BARE}${BARE}",
        f"pbkdf2:md5:1000$salt${'00' * 16}",
        "my password",
        f"pbkdf2_sha256$1000$salt${B64}{'A' * 3000}",
        credential(type="otp"),
        credential(about={"algorithm": "md5"}),
        credential(about={"algorithm": "argon2", "additionalParameters": {**ARGON2, "type": ["x"]}}),
    ],
)
def test_what_is_not_known_is_refused(given: Any) -> None:
    with pytest.raises(InvalidInput) as refusal:
        kept(given)
    assert refusal.value.message == UNKNOWN


def test_nothing_of_a_hash_is_said_in_a_refusal_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for given in ("$2b$04$SECRETsecret", f"pbkdf2_sha256$x$SECRETsecret${B64}", "SECRETsecret"):
        with pytest.raises(InvalidInput) as refusal:
            kept(given)
        assert "SECRET" not in str(refusal.value)
        assert refusal.value.__cause__ is None
    assert "SECRET" not in caplog.text
