"""Hashes as other systems write them, and the scheme each is of.

Django (``pbkdf2_sha256$…``, ``argon2$…``, ``bcrypt$…``, ``scrypt$…``), Werkzeug (``scrypt:32768:8:1$…``,
``pbkdf2:sha256:600000$…``), passlib and the PHC form (``$scrypt$ln=…``, ``$pbkdf2-sha256$…``), Keycloak (a
credential as a JSON object, with ``secretData`` and ``credentialData``), and everybody's bcrypt and Argon2.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from app.errors import InvalidInput, sentence
from app.services.foundation.json_objects import json_object
from app.services.hashes.schemes import DAMAGED, FIELD, Argon2, Bcrypt, Pbkdf2, Scheme, Scrypt, decoded, encoded

LONGEST = 2048
MOST_DIGITS = 10
UNKNOWN = sentence("This password hash is of no kind that is known here.")
NO_PASSWORD = "!"  # noqa: S105
"""What a hash of Django begins with where nobody has the password."""
FUNCTIONS = {"pbkdf2": "sha1", "pbkdf2-sha1": "sha1", "pbkdf2-sha256": "sha256", "pbkdf2-sha512": "sha512"}
"""What Keycloak, passlib and the form in which hashes are kept call PBKDF2 with each function."""
KEYCLOAK_VERSIONS = {"1.0": "", "1.3": "v=19$"}


def kept(given: str | Mapping[str, Any]) -> str | None:
    """The form in which a hash is kept, or None where it says that there is no password.

    Raises :class:`InvalidInput` for a hash that is not understood, is not whole, or takes too much to check.
    """
    try:
        scheme = _scheme(given)
    except (LookupError, TypeError, AttributeError, ValueError):
        raise InvalidInput(DAMAGED, FIELD) from None
    if scheme is None:
        return None
    scheme.require_bounds()
    return scheme.written()


def _scheme(given: str | Mapping[str, Any]) -> Scheme | None:
    if not isinstance(given, str):
        return _of_keycloak(given)
    text = given.strip()
    if len(text) > LONGEST:
        raise InvalidInput(UNKNOWN, FIELD)
    if text.startswith("{"):
        return _of_keycloak(json_object(text.encode()))
    if text.startswith(NO_PASSWORD) or not text:
        return None
    for begins, read in _READERS.items():
        if text.startswith(begins):
            return read(text)
    raise InvalidInput(UNKNOWN, FIELD)


def _django_pbkdf2(text: str) -> Scheme:
    name, iterations, salt, digest = text.split("$")
    return _whole(Pbkdf2(FUNCTIONS[name.replace("_", "-")], _number(iterations), salt.encode(), decoded(digest)))


def _django_scrypt(text: str) -> Scheme:
    _, cost, salt, size, lanes, digest = text.split("$")
    return Scrypt(_logarithm(_number(cost)), _number(size), _number(lanes), salt.encode(), decoded(digest))


def _werkzeug(text: str) -> Scheme:
    method, salt, digits = text.split("$")
    name, *parameters = method.split(":")
    digest = bytes.fromhex(digits)
    if name == "scrypt":
        cost, size, lanes = map(_number, parameters)
        return Scrypt(_logarithm(cost), size, lanes, salt.encode(), digest)
    function, iterations = parameters
    return _whole(Pbkdf2(_function(f"pbkdf2-{function}"), _number(iterations), salt.encode(), digest))


def _passlib_pbkdf2(text: str) -> Scheme:
    _, name, iterations, salt, digest = text.split("$")
    number = _number(iterations.removeprefix("i="))
    # passlib writes a dot for the plus sign.
    return _whole(Pbkdf2(_function(name), number, *(decoded(part.replace(".", "+")) for part in (salt, digest))))


def _phc_scrypt(text: str) -> Scheme:
    _, _, parameters, salt, digest = text.split("$")
    (cost_name, cost), (size_name, size), (lanes_name, lanes) = (each.split("=") for each in parameters.split(","))
    if (cost_name, size_name, lanes_name) != ("ln", "r", "p"):
        raise InvalidInput(DAMAGED, FIELD)
    return Scrypt(_number(cost), _number(size), _number(lanes), decoded(salt), decoded(digest))


def _of_keycloak(credential: Mapping[str, Any]) -> Scheme:
    """A credential as an export of a realm has it; the two data are JSON in a text there, or objects."""
    if credential.get("type", "password") != "password":
        raise InvalidInput(UNKNOWN, FIELD)
    secret, about = _object(credential["secretData"]), _object(credential["credentialData"])
    algorithm, iterations = about["algorithm"], about["hashIterations"]
    salt, digest = decoded(secret["salt"]), decoded(secret["value"])
    if type(iterations) is not int:
        raise InvalidInput(DAMAGED, FIELD)
    if algorithm == "argon2":
        return _keycloak_argon2(about["additionalParameters"], iterations, salt, digest)
    return Pbkdf2(_function(algorithm), iterations, salt, digest)


def _keycloak_argon2(parameters: Mapping[str, Any], passes: int, salt: bytes, digest: bytes) -> Scheme:
    kind, version, memory, lanes = (_first(parameters[name]) for name in ("type", "version", "memory", "parallelism"))
    if kind not in {"i", "d", "id"} or version not in KEYCLOAK_VERSIONS:
        raise InvalidInput(UNKNOWN, FIELD)
    cost = f"m={_number(memory)},t={passes},p={_number(lanes)}"
    return Argon2(f"$argon2{kind}${KEYCLOAK_VERSIONS[version]}{cost}${encoded(salt)}${encoded(digest)}")


def _object(value: Any) -> Mapping[str, Any]:
    return json_object(value.encode()) if isinstance(value, str) else value


def _first(value: Any) -> str:
    return str(value[0] if isinstance(value, list) else value)


def _whole(scheme: Pbkdf2) -> Pbkdf2:
    """One whose maker always writes as much as the function gives."""
    if len(scheme.digest) != hashlib.new(scheme.function).digest_size:
        raise InvalidInput(DAMAGED, FIELD)
    return scheme


def _function(name: str) -> str:
    if name not in FUNCTIONS:
        raise InvalidInput(UNKNOWN, FIELD)
    return FUNCTIONS[name]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise InvalidInput(DAMAGED, FIELD)
    return int(text)


def _logarithm(number: int) -> int:
    if number < 2 or number & (number - 1):
        raise InvalidInput(DAMAGED, FIELD)
    return number.bit_length() - 1


_READERS: dict[str, Callable[[str], Scheme]] = {
    "$2": Bcrypt,
    "bcrypt$": lambda text: Bcrypt(text.removeprefix("bcrypt$")),
    "bcrypt_sha256$": lambda text: Bcrypt(text.removeprefix("bcrypt_sha256$"), is_of_sha256=True),
    "$argon2": Argon2,
    "argon2$": lambda text: Argon2(text.removeprefix("argon2")),
    "pbkdf2_sha256$": _django_pbkdf2,
    "pbkdf2_sha1$": _django_pbkdf2,
    "scrypt$": _django_scrypt,
    "scrypt:": _werkzeug,
    "pbkdf2:": _werkzeug,
    "$pbkdf2$": _passlib_pbkdf2,
    "$pbkdf2-": _passlib_pbkdf2,
    "$scrypt$": _phc_scrypt,
}
