"""The public keys by which clients sign: which sets of them are taken, and which key an assertion means.

A set is judged by the same rules wherever it comes from: typed in at a registration, or read at a client's address.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.util import to_bytes, urlsafe_b64decode

from app.errors import InvalidInput, sentence

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
"""By which clients may sign: none that needs a secret the portal would have to keep. The last two are two names of one
(:rfc:`9864`)."""
LONGEST_SET, MOST_KEYS, LONGEST_KID = 16_384, 20, 200
FEWEST_BITS, MOST_BITS = 2048, 8192
"""Of an RSA key; a longer one takes everybody's time."""
PublicKey = RSAKey | ECKey | OKPKey
_KINDS: dict[str, tuple[type[PublicKey], str | None, tuple[str, ...]]] = {
    "RSA": (RSAKey, None, ("RS256", "PS256")),
    "EC": (ECKey, "P-256", ("ES256",)),
    "OKP": (OKPKey, "Ed25519", ("EdDSA", "Ed25519")),
}
_ALSO = {"EdDSA": "Ed25519", "Ed25519": "EdDSA"}
# What makes a key one that only its owner may have (RFC 7518 section 6), and what is kept of the others.
_SECRET = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_KEPT = ("kty", "kid", "use", "key_ops", "alg", "crv", "x", "y", "n", "e")


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A key of a client, ready to verify with."""

    kid: str | None
    algorithms: tuple[str, ...]
    key: PublicKey


def normalised(text: str) -> str:
    """The set as it is kept: public members alone; raises :class:`InvalidInput` for what :func:`keys_of` refuses."""
    keys_of(text)
    found = [{name: key[name] for name in _KEPT if name in key} for key in json.loads(text)["keys"]]
    return json.dumps({"keys": found}, separators=(",", ":"))


@lru_cache(maxsize=256)
def keys_of(text: str) -> tuple[ClientKey, ...]:
    """The keys of a JSON Web Key Set (:rfc:`7517#section-5`) that a client can sign with; parsed once for each text.

    Keys of other kinds or uses are passed over. Raises :class:`InvalidInput` for a set that is none, is too large, has
    no key to sign with, one that is too small, two of one id, or anything secret: who shows a private key has lost it.
    """
    if len(text) > LONGEST_SET:
        raise _refused(sentence("A set of keys has at most 16384 characters."))
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _refused(sentence("A set of keys is JSON.")) from None
    given = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise _refused(sentence("A set of keys is a JSON object with a list that is called keys."))
    if len(given) > MOST_KEYS:
        raise _refused(sentence("A set of keys has at most 20."))
    if any(_SECRET & set(each) or each.get("kty") == "oct" for each in given):
        raise _refused(
            sentence("A set of keys holds public keys only. Whatever is private in it is known now: make another.")
        )
    found = [key for each in given if (key := _read(each))]
    if not found:
        raise _refused(
            sentence(
                "A set of keys needs one to sign with: RSA, EC P-256 or Ed25519, for RS256, PS256, ES256, EdDSA, "
                "Ed25519."
            )
        )
    names = [key.kid for key in found if key.kid is not None]
    if len(names) != len(set(names)):
        raise _refused(sentence("Two keys of a set have the same kid."))
    return tuple(found)


def meant(keys: Iterable[ClientKey], kid: object, algorithm: str) -> ClientKey | None:
    """The key that signed by ``algorithm``, found by its id; without one, the only key that could have.

    OpenID Connect Core section 10.1: whoever has several says which one it is.
    """
    able = [key for key in keys if algorithm in key.algorithms]
    if kid is None:
        return able[0] if len(able) == 1 else None
    return next((key for key in able if key.kid is not None and key.kid == kid), None)


def _read(jwk: dict[str, Any]) -> ClientKey | None:
    """One key; None for one that nobody signs with, or not in a way that is taken here."""
    kind, kid = jwk.get("kty"), jwk.get("kid")
    if not isinstance(kind, str) or kind not in _KINDS:
        return None
    make, curve, able = _KINDS[kind]
    operations = jwk.get("key_ops", ["verify"])
    is_for_signatures = jwk.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations
    algorithms = tuple(each for each in able if jwk.get("alg", each) in (each, _ALSO.get(each)))
    if not is_for_signatures or not algorithms or (curve and jwk.get("crv") != curve):
        return None
    if kid is not None and not (isinstance(kid, str) and len(kid) <= LONGEST_KID):
        raise _refused(sentence("The kid of a key is text of at most 200 characters."))
    public = {name: jwk[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in jwk}
    try:
        if kind == "RSA":
            _require_usual(jwk["n"], jwk["e"])
        return ClientKey(kid, algorithms, make.import_key(cast(Any, public)))
    except (JoseError, ValueError, TypeError, KeyError, OverflowError):
        raise _refused(sentence("A key of the set cannot be read.")) from None


def _require_usual(modulus: str, exponent: str) -> None:
    """Look at the size of an RSA key before anything is computed with it."""
    bits, of_exponent = (int.from_bytes(urlsafe_b64decode(to_bytes(each))).bit_length() for each in (modulus, exponent))
    if not FEWEST_BITS <= bits <= MOST_BITS or not 2 <= of_exponent <= 32:
        raise _refused(sentence("An RSA key has 2048 to 8192 bits and a usual exponent."))


def _refused(problem: str) -> InvalidInput:
    return InvalidInput(problem, "jwks")
