"""Which sets of public keys are taken, wherever they come from."""

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from app.errors import InvalidInput
from app.services.clients.public_keys import ALGORITHMS, keys_of, meant, normalised

EC = ECKey.generate_key("P-256").as_dict(private=False)
RSA = RSAKey.generate_key(2048).as_dict(private=False)
ED = OKPKey.generate_key("Ed25519").as_dict(private=False)


def a_set(*keys: Any) -> str:
    return json.dumps({"keys": list(keys)})


def test_every_kind_is_for_its_algorithms() -> None:
    by_kind = [key.algorithms for key in keys_of(a_set(RSA, EC, ED))]
    assert by_kind == [("RS256", "PS256"), ("ES256",), ("EdDSA", "Ed25519")]
    assert sum(by_kind, ()) == ALGORITHMS


def test_nothing_is_kept_but_what_is_public_and_needed() -> None:
    key = {**EC, "kid": "a", "use": "sig", "x5c": ["MII"], "x5u": "https://x.test", "note": "\ud800", "iat": 1}
    assert json.loads(normalised(a_set(key))) == {"keys": [{**EC, "kid": "a", "use": "sig"}]}


@pytest.mark.parametrize(
    "other",
    [
        ECKey.generate_key("P-384").as_dict(private=False),
        {**EC, "use": "enc"},
        {**EC, "key_ops": ["sign"]},
        {**EC, "key_ops": "verify"},
        {**EC, "alg": "ES384"},
        {**RSA, "alg": "RS512"},
        {**RSA, "alg": ["RS256"]},
        OKPKey.generate_key("X25519").as_dict(private=False),
        {"kty": "AKP", "pub": "x"},
        {"kty": ["EC"]},
        {},
    ],
)
def test_what_nobody_signs_with_here_is_passed_over(other: dict[str, Any]) -> None:
    assert len(keys_of(a_set(other, ED))) == 1
    with pytest.raises(InvalidInput, match="needs one to sign with"):
        keys_of(a_set(other))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (a_set(ECKey.generate_key("P-256").as_dict(private=True)), "public keys only"),
        (a_set(RSAKey.generate_key(2048).as_dict(private=True)), "public keys only"),
        (a_set(EC, OKPKey.generate_key("Ed25519").as_dict(private=True)), "public keys only"),
        (a_set(EC, OctKey.generate_key(256).as_dict(private=True)), "public keys only"),
        (a_set(EC, {"kty": "oct"}), "public keys only"),
        (a_set(EC, {**RSA, "use": "enc", "d": "AQAB"}), "public keys only"),
        (a_set(EC, {**RSA, "oth": []}), "public keys only"),
        (a_set(EC, {**RSA, "n": RSA["n"][:172]}), "2048 to 8192 bits"),
        (a_set({**RSA, "n": RSA["n"] * 5}), "2048 to 8192 bits"),
        (a_set({**RSA, "e": "AQ"}), "2048 to 8192 bits"),
        (a_set({**RSA, "e": RSA["n"]}), "2048 to 8192 bits"),
        (a_set({**RSA, "n": "!!"}), "cannot be read|2048"),
        (a_set({**RSA, "n": 7}), "cannot be read"),
        (a_set({"kty": "RSA", "e": "AQAB"}), "cannot be read"),
        (a_set({**EC, "x": "AAAA"}), "cannot be read"),
        (a_set({**EC, "x": EC["y"]}), "cannot be read"),
        (a_set({**ED, "x": "AAAA"}), "cannot be read"),
        (a_set({**EC, "kid": 7}), "kid"),
        (a_set({**EC, "kid": "x" * 201}), "kid"),
        (a_set({**EC, "kid": "a"}, {**RSA, "kid": "a"}), "same kid"),
        (a_set(*[EC] * 21), "at most 20"),
        (a_set(), "needs one"),
        (a_set("x"), "list"),
        ('{"keys": {}}', "list"),
        ('{"keys": null}', "list"),
        ("[]", "list"),
        (json.dumps(EC), "list"),
        ("null", "list"),
        ("", "JSON"),
        ("-----BEGIN PUBLIC KEY-----", "JSON"),
        ("[" * 10_000, "JSON"),
        ('{"keys": [' + '{"kty": "EC"},' * 2000 + "{}]}", "16384 characters"),
    ],
)
def test_what_is_no_such_set_is_refused_as_a_whole(text: str, problem: str) -> None:
    for judge in (keys_of, normalised):
        with pytest.raises(InvalidInput, match=problem) as refused:
            judge(text)
        assert refused.value.field == "jwks"


def test_which_key_is_meant() -> None:
    keys = keys_of(a_set({**EC, "kid": "a"}, {**RSA, "kid": "b"}, ED))
    assert meant(keys, "a", "ES256") is keys[0]
    assert meant(keys, None, "ES256") is keys[0]
    assert meant(keys, "b", "PS256") is keys[1]
    assert meant(keys, None, "EdDSA") is keys[2]
    for kid, algorithm in (("a", "RS256"), ("b", "ES256"), ("c", "ES256"), ("", "EdDSA"), (1, "ES256"), ([], "ES256")):
        assert meant(keys, kid, algorithm) is None
    two = keys_of(a_set({**EC, "kid": "a"}, ECKey.generate_key("P-256").as_dict(private=False)))
    assert meant(two, None, "ES256") is None
