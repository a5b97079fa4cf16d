"""Trying a provider out: is it there, is it who it says, does it know the portal? For whoever administers the portal.

Nobody logs in by it, and nothing is changed there: its pages are asked without parameters, and its token endpoint for a
code that was never given, which a provider refuses in other words to a client it knows than to one it does not. No
answer is shown, only what follows from it, in constant sentences.
"""

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import requests
from authlib.integrations.base_client import OAuthError
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.errors import sentence
from app.selfcheck.findings import Finding, Outcome, Said
from app.server.connections.lane import outside
from app.services.delivery.exchange import Deadline
from app.services.foundation.environment import Caller
from app.services.record.audit import Event
from app.social.client import ALGORITHMS, NEEDED, UntrustedAnswer
from app.social.identifying import LEEWAY_SECONDS
from app.social.providers import Provider, configured
from app.social.transport import ProviderUnavailable, is_safe, within
from app.wiring import services

SECONDS = 8.0
"""For all of one provider."""
EACH_SECONDS = 3.0
"""For one thing it is asked."""
MADE_UP = "a-code-that-nobody-was-given"
UNKNOWN_CLIENT = frozenset({"invalid_client", "unauthorized_client"})
KNOWN_CLIENT = "invalid_grant"
FAMILIES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
"""The kind of key that signs, by how the names of algorithms begin."""
TITLES = {
    "discovery": sentence("Its discovery document can be read"),
    "issuer": sentence("It is the issuer of the settings"),
    "addresses": sentence("It names the addresses that a login needs, all by https"),
    "signatures": sentence("It signs ID tokens in a way that the portal believes"),
    "keys": sentence("Its keys can be read and used"),
    "authorize": sentence("The page where people log in answers"),
    "token": sentence("The address that gives tokens answers"),
    "credentials": sentence("It knows the client ID and the secret of the portal"),
    "clock": sentence("Its clock and the portal’s agree"),
}
REFERENCES = {
    "discovery": "OpenID Connect Discovery 1.0, section 4",
    "issuer": "OpenID Connect Discovery 1.0, section 4.3",
    "addresses": "OpenID Connect Discovery 1.0, section 3",
    "signatures": "RFC 8725, section 3.1",
    "keys": "RFC 7517, section 5",
    "authorize": "RFC 6749, section 3.1",
    "token": "RFC 6749, section 3.2",
    "credentials": "RFC 6749, section 5.2",
    "clock": "RFC 7519, section 4.1.4",
}
Steps = tuple[tuple[str, Callable[[], None]], ...]
OPENID = ("discovery", "issuer", "addresses", "signatures", "keys", "authorize", "token", "credentials", "clock")
PLAIN = ("authorize", "token", "credentials", "clock")
TOO_LARGE, BAD_ANSWER = "too_large", "bad_answer"
REASONS = {
    "timeout": sentence("No answer came in time."),
    "connection": sentence("The server could not be reached."),
    "tls": sentence("No safe connection came about: the certificate of the server does not fit."),
    BAD_ANSWER: sentence("The answer could not be read."),
    TOO_LARGE: sentence("The answer was too long."),
}
STATUS = sentence("The server answered with the status %(status)s.")
UNREADABLE = (UntrustedAnswer, JoseError, requests.RequestException, ValueError, KeyError, TypeError, AttributeError)
"""What is raised for something else in the place of what a provider should send, down to a list for an object."""
ANSWERS = sentence("It answers.")
AFTER_ANOTHER = sentence("Not tried, for something before it did not hold.")
NO_TIME = sentence("Not tried: what came before it took all the time.")
REACH = sentence(
    "Let the portal’s network reach this provider, and see whether the address in the settings is right and whether "
    "the provider says that it has trouble."
)
CERTIFICATE = sentence(
    "Have the provider renew its certificate. One of an authority of your own is believed when %(setting)s names it."
)
COMPARE = sentence(
    "See whether the address in the settings is right and whether the provider says that it has trouble."
)


class _NotAsked(Exception):
    """Something was not answered as it should be; ``said`` is what happened, ``advice`` what to do."""

    def __init__(self, reason: str, advice: str = COMPARE, **values: str | int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.said = Said(REASONS.get(reason, reason), values)
        self.advice = Said(advice, {"setting": "SSL_CERT_FILE"} if advice is CERTIFICATE else {})


class _NoTime(Exception):
    """Nothing more is asked."""


def tried(name: str, caller: Caller) -> list[Finding]:
    """Try out a provider, and put that on record; raises :class:`app.errors.NotFound`.

    It takes up to eight seconds, in which nobody waits for this request's connection to the database: what was not
    committed before is taken back.
    """
    provider = configured(name)
    services.db.give_back()
    with outside():
        found = _Trial(provider).findings()
    failed = sum(each.outcome is Outcome.FAILED for each in found)
    services.audit.record(Event.PROVIDER_TESTED, caller, provider=name, failed=failed)
    return found


class _Trial:
    """Asks one provider for one thing after the other."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._deadline = Deadline(SECONDS)
        self._skew: float | None = None
        self._found: dict[str, Finding] = {}

    def findings(self) -> list[Finding]:
        """What held and what did not, in the order of a login."""
        order = OPENID if self._provider.is_openid else PLAIN
        steps = self._openid() if self._provider.is_openid else self._plain()
        for name, step in steps:
            if not self._goes_on(name, step) and name in {"discovery", "issuer", "addresses"}:
                break
        self._clock()
        for name in order:
            if name not in self._found:
                self._note(name, Outcome.NOT_TESTED, Said(AFTER_ANOTHER))
        return [self._found[name] for name in order]

    def _goes_on(self, name: str, step: Callable[[], None]) -> bool:
        """Take a step and note what becomes of it; answers whether it held."""
        try:
            step()
        except _NotAsked as failure:
            self._note(name, Outcome.FAILED, failure.said, failure.advice)
        except _NoTime:
            self._note(name, Outcome.NOT_TESTED, Said(NO_TIME))
        except UNREADABLE:
            self._note(name, Outcome.FAILED, Said(REASONS[BAD_ANSWER]), Said(COMPARE))
        return self._found[name].outcome is Outcome.PASSED

    def _openid(self) -> Steps:
        told: dict[str, Any] = {}
        return (
            ("discovery", lambda: self._discovery(told)),
            ("issuer", lambda: self._issuer(told)),
            ("addresses", lambda: self._addresses(told)),
            ("signatures", lambda: self._signatures(told)),
            ("keys", lambda: self._keys(told)),
            ("authorize", lambda: self._page(told["authorization_endpoint"])),
            ("token", self._token),
        )

    def _plain(self) -> Steps:
        page = str(self._provider.client.authorize_url)
        return (("authorize", lambda: self._page(page)), ("token", self._token))

    def _discovery(self, told: dict[str, Any]) -> None:
        said = self._object(str(self._provider.client._server_metadata_url))
        told.update(said)
        self._note("discovery", Outcome.PASSED, Said(ANSWERS))

    def _issuer(self, told: dict[str, Any]) -> None:
        if told.get("issuer") != self._provider.issuer:
            raise _NotAsked(
                sentence("The discovery document is of another issuer."),
                sentence("Copy the issuer out of its discovery document, letter by letter: a slash at the end counts."),
            )
        self._note("issuer", Outcome.PASSED, Said(sentence("It is the same, letter by letter.")))

    def _addresses(self, told: dict[str, Any]) -> None:
        missing = sorted(name for name in NEEDED if not isinstance(told.get(name), str))
        advice = sentence("Have whoever runs the provider put its discovery document right.")
        if missing:
            raise _NotAsked(sentence("Missing: %(names)s."), advice, names=", ".join(missing))
        unsafe = sorted(name for name in NEEDED if not is_safe(told[name]))
        if unsafe:
            raise _NotAsked(sentence("Not by https: %(names)s."), advice, names=", ".join(unsafe))
        self._note("addresses", Outcome.PASSED, Said(sentence("All are there.")))

    def _signatures(self, told: dict[str, Any]) -> None:
        accepted = _accepted(told)
        if not accepted:
            raise _NotAsked(
                sentence("All ways in which it signs need a shared secret, or none at all."),
                sentence("Have it sign ID tokens with a key pair: %(names)s, for instance."),
            )
        self._note("signatures", Outcome.PASSED, Said(sentence("By %(names)s."), {"names": ", ".join(accepted)}))

    def _keys(self, told: dict[str, Any]) -> None:
        said = self._object(told["jwks_uri"])
        advice = sentence(
            "Have whoever runs the provider publish the keys it signs ID tokens with, as a JSON Web Key Set."
        )
        try:
            keys = KeySet.import_key_set(said).keys  # type: ignore[arg-type]
        except UNREADABLE:
            raise _NotAsked(sentence("What is there is no set of keys, or a key in it is broken."), advice) from None
        kinds = {FAMILIES[name[:2]] for name in _accepted(told)} or {*FAMILIES.values()}
        usable = [each for each in keys if each.key_type in kinds and each.get("use") != "enc"]
        if not usable:
            raise _NotAsked(sentence("No key in it can verify its ID tokens."), advice)
        self._note("keys", Outcome.PASSED, Said(sentence("Keys that can verify: %(count)s."), {"count": len(usable)}))

    def _page(self, url: str) -> None:
        """What people are shown; without parameters it is a page that says so."""
        try:
            status = self._ask(url).status_code
        except _NotAsked as failure:
            if failure.reason != TOO_LARGE:
                raise
            status = 200
        if status >= 500 or status == 404:
            raise _NotAsked(STATUS, status=status)
        self._note("authorize", Outcome.PASSED, Said(ANSWERS))

    def _token(self) -> None:
        """What becomes of a code that nobody was given: it is refused, one way or the other."""
        error = self._refusal()
        self._note("token", Outcome.PASSED, Said(ANSWERS))
        if error in UNKNOWN_CLIENT:
            said = Said(sentence("It does not know this client ID, or the secret is another one."))
            advice = Said(sentence("Copy both from its console once more, and start the portal anew."))
            self._note("credentials", Outcome.FAILED, said, advice)
        elif error == KNOWN_CLIENT:
            said = Said(sentence("It refused a code that was made up, and not the portal."))
            self._note("credentials", Outcome.PASSED, said)
        else:
            said = Said(sentence("It refused a code that was made up, without saying whether it knows the portal."))
            self._note("credentials", Outcome.NOT_TESTED, said)

    def _refusal(self) -> str:
        """With which error it refuses a code that was made up."""
        provider = self._provider
        with self._patience():
            try:
                given = provider.client.fetch_access_token(
                    redirect_uri=f"{services.settings.issuer}/auth/{provider.name}/callback",
                    code=MADE_UP,
                    code_verifier=MADE_UP * 2,
                    body=urlencode({"state": MADE_UP}) if provider.sends_state else "",
                )
            except OAuthError as error:
                return str(error.error)
            except ProviderUnavailable as error:
                raise _unavailable(error) from None
            except requests.HTTPError as error:
                status = error.response.status_code if error.response is not None else 0
                raise _NotAsked(STATUS, status=status) from None
            except UNREADABLE:
                raise _NotAsked(BAD_ANSWER) from None
        if "access_token" in given:
            raise _NotAsked(
                sentence("It gave tokens for a code that was made up."),
                sentence("Take this provider out of the settings: whoever asks it is let in."),
            )
        raise _NotAsked(BAD_ANSWER)

    def _clock(self) -> None:
        if self._skew is None:
            self._note("clock", Outcome.NOT_TESTED, Said(sentence("It did not say what time it has.")))
            return
        seconds = round(abs(self._skew))
        if seconds <= LEEWAY_SECONDS:
            self._note("clock", Outcome.PASSED, Said(sentence("They differ by less than a minute.")))
            return
        said = Said(sentence("They differ by %(count)s seconds."), {"count": seconds})
        advice = Said(
            sentence("Have the portal’s machine take its time from the network: otherwise ID tokens look expired.")
        )
        self._note("clock", Outcome.FAILED, said, advice)

    def _object(self, url: str) -> dict[str, Any]:
        """The JSON object at an address."""
        answer = self._ask(url)
        if answer.status_code != requests.codes.ok:
            raise _NotAsked(STATUS, status=answer.status_code)
        try:
            said = answer.json()
        except ValueError:
            raise _NotAsked(BAD_ANSWER) from None
        if not isinstance(said, dict):
            raise _NotAsked(BAD_ANSWER)
        return said

    def _ask(self, url: str) -> requests.Response:
        with self._patience(), self._provider.client._get_session() as session:
            try:
                answer: requests.Response = session.request("GET", url, withhold_token=True)
            except ProviderUnavailable as error:
                raise _unavailable(error) from None
        self._skew = _skew(answer) if self._skew is None else self._skew
        return answer

    def _patience(self) -> Any:
        """What one thing may take, of what is left for all."""
        try:
            return within(min(EACH_SECONDS, self._deadline.left()))
        except TimeoutError:
            raise _NoTime from None

    def _note(self, name: str, outcome: Outcome, said: Said, advice: Said | None = None) -> None:
        self._found[name] = Finding(name, Said(TITLES[name]), outcome, said, advice, REFERENCES[name])


def _unavailable(error: ProviderUnavailable) -> _NotAsked:
    advice = {"timeout": REACH, "connection": REACH, "tls": CERTIFICATE}
    return _NotAsked(error.reason, advice.get(error.reason, COMPARE))


def _accepted(told: dict[str, Any]) -> list[str]:
    """The algorithms of ID tokens that both know; a document that names none means RS256."""
    named = told.get("id_token_signing_alg_values_supported")
    return [each for each in ALGORITHMS if each in named] if isinstance(named, list) and named else ["RS256"]


def _skew(answer: requests.Response) -> float | None:
    """How many seconds the clock of whoever answered goes before the portal's; None where it does not say."""
    try:
        return parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
