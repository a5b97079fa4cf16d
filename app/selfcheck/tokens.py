"""Probes of tokens: forged, mistaken for one another, used twice, kept by caches."""

import base64
import hashlib
import hmac
import json
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey
from joserfc.util import urlsafe_b64decode

from app.errors import sentence
from app.selfcheck.documents import KEYS
from app.selfcheck.findings import PROXY, REPORT, Book, Seen, Unreached, in_order, refused
from app.selfcheck.visit import TOKEN, Visit, tokens_of
from app.services.foundation.environment import random_token

book = Book()


@book.probe(
    sentence("Forged access tokens are refused"),
    advice=REPORT,
    reference="RFC 8725 sections 3.1 and 3.2, ASVS 5.0 9.1.2",
)
def token_forgery(visit: Visit) -> Seen:
    """No signature, the public key as a secret, another key under the id of ours, a key in the header itself."""
    token = visit.tokens.access
    header, claims = read(token)
    keys: list[dict[str, Any]] = visit.stranger().get(KEYS).json().get("keys", [])
    forged = {
        "alg=none": _plain({**header, "alg": "none"}, claims),
        "alg=None": _plain({**header, "alg": "None"}, claims),
        "alg=": f"{token.rpartition('.')[0]}.",
        **{f"alg=HS256, kid={number}": _by_public(header, claims, key) for number, key in enumerate(keys, 1)},
        **_by_another(header, claims),
    }
    return _presented(visit, forged)


@book.probe(
    sentence("An access token for somebody else is refused"),
    advice=REPORT,
    reference="RFC 9068 section 4, ASVS 5.0 9.2.3",
)
def token_audience(visit: Visit) -> Seen:
    """Signed by the portal's own key, for another audience or in another issuer's name."""
    _, claims = read(visit.tokens.access)
    keys = visit.services.keys
    signer = keys.signer(keys.access_algorithm)
    elsewhere = "https://another-site.invalid"
    tokens = {}
    for name in ("aud", "iss"):
        head = {"typ": "at+jwt", "alg": keys.access_algorithm, **({"kid": signer.kid} if signer.kid else {})}
        body = json.dumps({**claims, name: elsewhere})
        algorithms = [keys.access_algorithm]
        tokens[f"{name}=…"] = jws.serialize_compact(head, body.encode(), signer, algorithms=algorithms)
    visit.services.db.rollback()
    return _presented(visit, tokens)


@book.probe(
    sentence("Tokens of one kind do not stand in for another"),
    advice=REPORT,
    reference="RFC 9068 section 5, RFC 8725 section 3.11, ASVS 5.0 9.2.2",
)
def token_types(visit: Visit) -> Seen:
    """An ID token or refresh token is no access token, and an access token refreshes nothing."""
    tokens = visit.tokens
    return refused(
        {
            "userinfo: id_token": visit.userinfo(tokens.id_token).is_good,
            "introspect: id_token": visit.is_active(tokens.id_token),
            "userinfo: refresh_token": visit.userinfo(tokens.refresh).is_good,
            "grant_type=refresh_token: access_token": visit.refresh(tokens.access).is_good,
        }
    )


@book.probe(
    sentence("Using an old refresh token ends the whole family"),
    advice=REPORT,
    reference="RFC 9700 section 4.14.2, ASVS 5.0 10.4.5",
)
def refresh_reuse(visit: Visit) -> Seen:
    """One that was replaced, once its successor was used; the newest and its access token end with it."""
    first = visit.new_tokens()
    second = tokens_of(visit.refresh(first.refresh))
    third = tokens_of(visit.refresh(second.refresh))
    return refused(
        {
            "refresh_token ×2": visit.refresh(first.refresh).is_good,
            "refresh_token": visit.refresh(third.refresh).is_good,
            "userinfo": visit.userinfo(third.access).is_good,
        }
    )


@book.probe(
    sentence("A refresh token is of one application"),
    advice=REPORT,
    reference="RFC 6749 section 6, RFC 9700 section 4.14.2",
)
def refresh_client(visit: Visit) -> Seen:
    """Another client gets nothing for it."""
    return refused({"client_id": visit.refresh(visit.new_tokens().refresh, visit.lent.other).is_good})


@book.probe(
    sentence("An application with a secret has to prove itself"),
    advice=REPORT,
    reference="RFC 6749 section 3.2.1, RFC 9700 section 2.5",
)
def client_authentication(visit: Visit) -> Seen:
    """No secret, and a wrong one, get nothing for a good code."""
    wrong = random_token(256)
    return refused(
        {
            "client_secret=": visit.redeem(visit.code(), visit.lent.application).is_good,
            "client_secret=…": visit.redeem(visit.code(), visit.lent.application, wrong).is_good,
        }
    )


@book.probe(
    sentence("No cache keeps tokens"),
    advice=PROXY,
    reference="RFC 6749 section 5.1, ASVS 5.0 14.3.2",
)
def token_caching(visit: Visit) -> Seen:
    """``Cache-Control: no-store`` on what carries tokens or what they open, and on refusals."""
    replies = {
        TOKEN: visit.redeem(visit.code()),
        "userinfo": visit.userinfo(visit.tokens.access),
        f"{TOKEN}: error": visit.redeem("no-such-code"),
        "userinfo: error": visit.userinfo("no-such-token"),
    }
    problems = [
        f"{name}: Cache-Control" for name, reply in replies.items() if "no-store" not in reply.get("Cache-Control")
    ]
    return in_order(problems, len(replies))


def read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token; raises :class:`Unreached` for what is no JWT."""
    try:
        header, claims = (json.loads(urlsafe_b64decode(part.encode())) for part in token.split(".")[:2])
    except (ValueError, TypeError):
        raise Unreached("access_token: JWT") from None
    return header, claims


def _presented(visit: Visit, tokens: dict[str, str]) -> Seen:
    attempts = {}
    for name, token in tokens.items():
        attempts[f"userinfo: {name}"] = visit.userinfo(token).is_good
        attempts[f"introspect: {name}"] = visit.is_active(token)
    return refused(attempts)


def _part(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _plain(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return f"{_part(header)}.{_part(claims)}."


def _by_public(header: dict[str, Any], claims: dict[str, Any], key: dict[str, Any]) -> str:
    """Signed with HS256, with what everybody can read as the secret."""
    kind = RSAKey if key.get("kty") == "RSA" else ECKey if key.get("kty") == "EC" else None
    secret = kind.import_key(key).as_pem(private=False) if kind else json.dumps(key).encode()
    signed = f"{_part({**header, 'alg': 'HS256', 'kid': key.get('kid')})}.{_part(claims)}"
    return f"{signed}.{_part(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def _by_another(header: dict[str, Any], claims: dict[str, Any]) -> dict[str, str]:
    """Signed by a key made here: under the id of the portal's own, and with itself in the header."""
    body = json.dumps(claims).encode()
    if str(header.get("alg", "")).startswith("HS"):
        own: OctKey | ECKey | RSAKey = OctKey.generate_key(256)
        kinds = {"kid=…": header}
    else:
        own = ECKey.generate_key("P-256")
        plain = {"typ": header.get("typ"), "alg": "ES256"}
        kinds = {"kid=…": {**plain, "kid": header.get("kid")}, "jwk=…": {**plain, "jwk": own.as_dict(private=False)}}
    algorithms = ["ES256", "HS256"]
    return {name: jws.serialize_compact(head, body, own, algorithms=algorithms) for name, head in kinds.items()}
