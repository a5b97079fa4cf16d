"""Whether a portal's service tokens work: ``python -m tests.service_token_check [URL]``.

Asks any portal for tokens as a backend does, uses them, and tries what has to be refused; prints a line for each with
✓ or ✗ and what came instead, and exits with 0 only if all is as it should be. The service is named by
``SERVICE_CLIENT_ID`` and ``SERVICE_CLIENT_SECRET``, or by options; it needs the grant ``client_credentials``, a secret
by either way, and the scope ``admin:oauth`` with another one. Without a URL a portal of its own is started on SQLite,
and ends with the program.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tests.portal import Portal

SECONDS = 15.0
PREFIXES = ("/api/oauth", "/oauth")
SCOPE = "admin:oauth"
API = "/api/admin/oauth/service"
ALGORITHMS = ["ES256", "RS256", "EdDSA", "Ed25519"]


class Differs(Exception):
    """Something else came than what should; the text says what, without anything secret."""


class Service:
    """A backend with its credentials, and what it learned of a portal."""

    def __init__(self, url: str, client_id: str, secret: str) -> None:
        self.url, self.client_id, self.secret = url.rstrip("/"), client_id, secret
        # Nothing that this machine has for others: neither proxies nor passwords (.netrc) nor cookies from before.
        self._line = requests.Session()
        self._line.trust_env = False
        self.metadata: dict[str, Any] = {}
        self.answer: dict[str, Any] = {}
        self.narrow: dict[str, Any] = {}

    def send(self, method: str, path: str, **more: Any) -> requests.Response:
        """Ask; nobody is followed elsewhere, for that would take the credentials along."""
        try:
            return self._line.request(method, f"{self.url}{path}", timeout=SECONDS, allow_redirects=False, **more)
        except requests.RequestException as error:
            raise Differs(f"no answer ({type(error).__name__})") from None

    def token(self, path: str = "/api/oauth/token", *, by: str = "basic", **form: str) -> requests.Response:
        """A token request by the client's own credentials."""
        values = {"grant_type": "client_credentials", **form}
        if by == "basic":
            return self.send("POST", path, data=values, auth=(self.client_id, self.secret))
        return self.send("POST", path, data={"client_id": self.client_id, "client_secret": self.secret, **values})

    def api(self, path: str, token: str | None = None) -> requests.Response:
        """A request to the service API."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.send("GET", f"{API}{path}", headers=headers)


def differs(response: requests.Response) -> NoReturn:
    """Say what came."""
    members = _members(response)
    error = members.get("error") or members.get("detail")
    raise Differs(f"{response.status_code}{f' {error}' if isinstance(error, str) else ''}")


def is_refused(response: requests.Response, error: str, status: int = 400) -> None:
    """A refusal by the protocol (RFC 6749 section 5.2)."""
    if (response.status_code, _members(response).get("error")) != (status, error):
        differs(response)


def is_good(response: requests.Response) -> dict[str, Any]:
    """The members of a good answer."""
    if response.status_code != 200:
        differs(response)
    return _members(response)


def metadata_is_found(service: Service) -> None:
    """The portal says where its endpoints are."""
    service.metadata = is_good(service.send("GET", "/.well-known/oauth-authorization-server"))
    if service.metadata.get("issuer") != service.url:
        raise Differs(f"the issuer is {service.metadata.get('issuer')!r}")
    if "client_credentials" not in service.metadata.get("grant_types_supported", ()):
        raise Differs("it has no grant client_credentials")


def tokens_are_issued(service: Service, prefix: str, by: str) -> None:
    """A token for all that the service may have."""
    response = service.token(f"{prefix}/token", by=by)
    service.answer = is_good(response)
    if service.answer.get("token_type") != "Bearer" or not service.answer.get("access_token"):
        raise Differs("no bearer token came")
    if "no-store" not in response.headers.get("Cache-Control", ""):
        raise Differs("the answer may be kept")
    if {"refresh_token", "id_token"} & set(service.answer):
        raise Differs("a token of persons came with it")


def the_token_is_the_services_own(service: Service) -> None:
    """It is signed with a published key, for the client itself."""
    keys = is_good(service.send("GET", "/.well-known/jwks.json"))
    try:
        decoded = jwt.decode(_token(service.answer), KeySet.import_key_set(keys), algorithms=ALGORITHMS)  # type: ignore[arg-type]
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise Differs(f"the token does not verify ({type(error).__name__})") from None
    claims = decoded.claims
    if (claims.get("sub"), claims.get("client_id"), decoded.header.get("typ")) != (
        service.client_id,
        service.client_id,
        "at+jwt",
    ):
        raise Differs("it is somebody else's")


def scopes_are_narrowed(service: Service) -> None:
    """One scope that is asked for is all there is in the token."""
    if SCOPE not in str(service.answer.get("scope")).split():
        raise Differs(f"this service may not have {SCOPE}")
    narrow = is_good(service.token(scope=SCOPE))
    if narrow.get("scope") != SCOPE:
        raise Differs(f"the scope is {narrow.get('scope')!r}")
    service.narrow = narrow


def it_is_introspected(service: Service) -> None:
    """The service may ask about its own token."""
    if not is_good(_about(service, "introspect")).get("active"):
        raise Differs("it is not active")


def the_api_answers(service: Service, path: str) -> None:
    """The token opens the service API."""
    is_good(service.api(path, _token(service.narrow or service.answer)))


def the_api_wants_a_token(service: Service, token: str | None) -> None:
    """Without a good token there is nothing."""
    response = service.api("/statistics", token)
    if response.status_code != 401:
        differs(response)


def a_broken_token_opens_nothing(service: Service) -> None:
    """A token with another signature is none."""
    head, body, signature = _token(service.answer).split(".")
    for broken in (f"{head}.{body}.{signature[:-6]}AAAAAA", f"{head}.{body}.", "x", signature):
        the_api_wants_a_token(service, broken)


def other_scopes_do_not_suffice(service: Service) -> None:
    """A token without the scope is told what is missing."""
    others = [name for name in str(service.answer.get("scope")).split() if name not in {SCOPE, "admin:full"}]
    if not others:
        raise Differs("this service has no other scope to try it with")
    response = service.api("/statistics", _token(is_good(service.token(scope=others[0]))))
    if response.status_code != 403:
        differs(response)


def a_wrong_secret_is_refused(service: Service, by: str) -> None:
    """It is said by a challenge, and not why."""
    other = Service(service.url, service.client_id, f"{service.secret}x")
    response = other.token(by=by)
    is_refused(response, "invalid_client", 401)
    if "WWW-Authenticate" not in response.headers:
        raise Differs("no challenge came")


def an_unknown_client_is_refused_alike(service: Service) -> None:
    """Nobody learns who is registered."""
    wrong = Service(service.url, service.client_id, f"{service.secret}x").token()
    unknown = Service(service.url, f"{service.client_id}-unknown", service.secret).token()
    is_refused(unknown, "invalid_client", 401)
    if unknown.content != wrong.content:
        raise Differs("the answers differ")


def two_proofs_are_refused(service: Service) -> None:
    """One way of proof in a request."""
    form = {"grant_type": "client_credentials", "client_id": service.client_id, "client_secret": service.secret}
    is_refused(
        service.send("POST", "/api/oauth/token", data=form, auth=(service.client_id, service.secret)), "invalid_request"
    )


def credentials_in_the_address_prove_nothing(service: Service) -> None:
    """An address stands in logs: what is in it does not count. Made-up credentials are sent."""
    query = {"grant_type": "client_credentials", "client_id": service.client_id, "client_secret": "x"}
    response = service.send("POST", "/api/oauth/token", params=query)
    if response.status_code not in {400, 401}:
        differs(response)


def an_ended_token_opens_nothing(service: Service) -> None:
    """A token that its service ended is over, here and at the service API."""
    is_good(_about(service, "revoke"))
    if is_good(_about(service, "introspect")).get("active"):
        raise Differs("it is still active")


def checks() -> Iterator[tuple[str, Callable[[Service], None]]]:
    """What is tried, in order, as it is said."""
    yield "metadata found", metadata_is_found
    for prefix in PREFIXES:
        for by in ("post", "basic"):
            yield f"token issued at {prefix}/token by {by}", lambda s, p=prefix, b=by: tokens_are_issued(s, p, b)  # type: ignore[misc]
    yield "the token is signed with a published key, for the service itself", the_token_is_the_services_own
    yield f"scopes narrowed to {SCOPE}", scopes_are_narrowed
    yield "introspected by the service", it_is_introspected
    for path in ("/statistics", "/clients"):
        yield f"token used at {API}{path}", lambda s, p=path: the_api_answers(s, p)  # type: ignore[misc]
    yield "refused there: no token", lambda s: the_api_wants_a_token(s, None)
    yield "refused there: broken tokens", a_broken_token_opens_nothing
    yield "refused there: a token without the scope", other_scopes_do_not_suffice
    for by in ("basic", "post"):
        yield f"refused: a wrong secret by {by}", lambda s, b=by: a_wrong_secret_is_refused(s, b)  # type: ignore[misc]
    yield "refused alike: an unknown client", an_unknown_client_is_refused_alike
    yield "refused: two proofs in one request", two_proofs_are_refused
    yield "refused: credentials in the address", credentials_in_the_address_prove_nothing
    yield "refused: an unknown scope", lambda s: is_refused(s.token(scope="no:such:scope"), "invalid_scope")
    yield "refused: a scope of persons", lambda s: is_refused(s.token(scope="openid"), "invalid_scope")
    yield "refused: no grant type", lambda s: is_refused(s.token(grant_type=""), "invalid_request")
    yield (
        "refused: a grant that is none",
        lambda s: is_refused(s.token(grant_type="password"), "unsupported_grant_type"),
    )
    yield "a token ended by its service", an_ended_token_opens_nothing
    yield "refused there: a token that was ended", lambda s: the_api_wants_a_token(s, _token(s.answer))


def check(service: Service, say: Callable[[str], object]) -> bool:
    """Try everything, one line each; whether all is as it should be."""
    is_right = True
    for what, attempt in checks():
        try:
            attempt(service)
        except Differs as difference:
            is_right = False
            say(f"✗ {what}: {difference}")
        else:
            say(f"✓ {what}")
    return is_right


@contextmanager
def own_portal() -> Iterator[Service]:
    """A service at a portal that is there for as long as the block."""
    with tempfile.TemporaryDirectory(prefix="service-token-check-") as directory:
        portal = Portal(Path(directory), f"sqlite:///{directory}/portal.db", WEB_CONCURRENCY="1")
        portal.flask("db", "upgrade")
        portal.flask("seed")
        options = ("--confidential", "--grant", "client_credentials", "--scope", f"{SCOPE} admin:users", "--json")
        made = json.loads(portal.flask("clients", "create", "service-token-check", *options))
        portal.start()
        try:
            yield Service(portal.url, made["client_id"], made["client_secret"])
        finally:
            portal.stop()


def main(arguments: Sequence[str] | None = None, say: Callable[[str], object] = print) -> int:
    """Run the program; answers its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", nargs="?", help="the portal's address; without it one is started")
    parser.add_argument("--client-id", default=os.environ.get("SERVICE_CLIENT_ID", ""))
    parser.add_argument(
        "--client-secret",
        default=os.environ.get("SERVICE_CLIENT_SECRET", ""),
        help="better by SERVICE_CLIENT_SECRET: others on this machine can read what a program was started with",
    )
    given = parser.parse_args(arguments)
    if given.url is None:
        with own_portal() as service:
            return 0 if check(service, say) else 1
    if not given.client_id or not given.client_secret:
        parser.error("set SERVICE_CLIENT_ID and SERVICE_CLIENT_SECRET")
    return 0 if check(Service(given.url, given.client_id, given.client_secret), say) else 1


def _about(service: Service, endpoint: str) -> requests.Response:
    form, auth = {"token": _token(service.answer)}, (service.client_id, service.secret)
    return service.send("POST", f"/api/oauth/{endpoint}", data=form, auth=auth)


def _token(answer: dict[str, Any]) -> str:
    token = answer.get("access_token")
    if not isinstance(token, str) or token.count(".") != 2:
        raise Differs("there is no token to try it with")
    return token


def _members(response: requests.Response) -> dict[str, Any]:
    try:
        found = response.json() if response.content else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


if __name__ == "__main__":
    sys.exit(main())
