"""What the errors of the token, revocation and introspection endpoints mean: the addresses in ``error_uri``.

A topic is chosen by the error and the description of the answer alone, so its page tells nothing that the answer did
not. What the portal knows beyond that it tells a client that proved itself, under an id that only the answer holds.
"""

from dataclasses import dataclass

from flask import g

from app.errors import Cause, sentence
from app.wiring import services


@dataclass(frozen=True, slots=True)
class Topic:
    """What an answer means, what to look at, and the clause that decides."""

    error: str
    title: str
    checks: tuple[str, ...]
    clause: str


CODE_CHECKS = (
    sentence("A code is good once. A page that is loaded again, or a proxy that repeats requests, sends it twice."),
    sentence("A code is good for a minute. Redeem it at once, and see that the server is not waiting for anything."),
    sentence("The client that redeems a code is the one that asked for it, with the same client_id."),
    sentence("Take the code from the address decoded once, whole and unchanged."),
    sentence("A person who has logged out meanwhile, or whose account was disabled, ends the code as well."),
)
VERIFIER_CHECKS = (
    sentence("Make one verifier for each login, keep it until the callback, and send that very one as code_verifier."),
    sentence("A verifier has 43 to 128 characters: letters, digits, hyphens, dots, underscores and tildes."),
    sentence("The challenge is the Base64url form of the verifier's SHA-256, without = at its end."),
    sentence("Two tabs that log in at once need two places for their verifiers; keep each under its state."),
)
REDIRECT_CHECKS = (
    sentence("Send the same redirect_uri that the authorization request had, character by character."),
    sentence("Look at http and https, the port, a slash at the end, and what a proxy made of the host."),
    sentence("The redirect_uri is the address without the code and state that were added to it."),
)
REFRESH_CHECKS = (
    sentence("Each use replaces the token: keep the new one before the next request, in one place for all processes."),
    sentence("An old token that is used again ends the whole login. Let only one process refresh at a time."),
    sentence("The token belongs to the client that got it, and ends when the person logs out or takes consent back."),
    sentence("When it is gone for good, send the person through a new login."),
)
SCOPE_CHECKS = (
    sentence("Ask only for scopes that are registered for this client; an administrator can add one."),
    sentence("Scopes are separated by single spaces and written in the case in which they are registered."),
    sentence("A refresh may narrow the scope and never widen it. For more, send the person through a new login."),
)
TOPICS: dict[str, Topic] = {
    "client-authentication": Topic(
        "invalid_client",
        sentence("The client did not prove itself"),
        (
            sentence("Compare the client_id with the registration, character by character."),
            sentence("Send the secret as it was shown when it was made, without a space or line break at its end."),
            sentence("Use the registered method: basic in the header, post in the body, or a signed assertion."),
            sentence("With basic, id and secret are form-encoded each before they are joined and Base64-encoded."),
            sentence("A public client sends its client_id and no secret; a confidential one always proves itself."),
            sentence("In an assertion iss and sub are the client_id, and aud is the issuer alone."),
            sentence("An assertion ends at most five minutes ahead, has a new jti each time and needs a right clock."),
            sentence("An administrator finds which check refused by the X-Request-ID of the answer."),
        ),
        "RFC 6749 section 2.3, RFC 7523 section 3",
    ),
    "one-method": Topic(
        "invalid_request",
        sentence("The client proved itself in two ways at once"),
        (
            sentence("Send the secret in the header or in the body or send an assertion, one of them alone."),
            sentence("The client_id of the body, if there is one, is that of the header or the assertion."),
            sentence("Some libraries send both by default: name the method in their settings."),
        ),
        "RFC 6749 section 2.3",
    ),
    "code": Topic("invalid_grant", sentence("The code is not good"), CODE_CHECKS, "RFC 6749 section 4.1.2"),
    "redirect-uri": Topic(
        "invalid_grant", sentence("The redirect_uri is another one"), REDIRECT_CHECKS, "RFC 6749 section 4.1.3"
    ),
    "redirect-uri-missing": Topic(
        "invalid_grant", sentence("The redirect_uri is missing"), REDIRECT_CHECKS, "RFC 6749 section 4.1.3"
    ),
    "verifier-missing": Topic(
        "invalid_grant", sentence("The code_verifier is missing"), VERIFIER_CHECKS, "RFC 7636 section 4.5"
    ),
    "verifier-form": Topic(
        "invalid_grant", sentence("The code_verifier is not one"), VERIFIER_CHECKS, "RFC 7636 section 4.1"
    ),
    "verifier": Topic(
        "invalid_grant", sentence("The code_verifier does not match"), VERIFIER_CHECKS, "RFC 7636 section 4.6"
    ),
    "verifier-unasked": Topic(
        "invalid_grant",
        sentence("The login began without PKCE"),
        (sentence("Send code_challenge and code_challenge_method=S256 with the authorization request."),),
        "RFC 9700 section 2.1.1",
    ),
    "refresh-token": Topic(
        "invalid_grant", sentence("The refresh token is not good"), REFRESH_CHECKS, "RFC 6749 section 6"
    ),
    "withdrawn": Topic(
        "invalid_grant",
        sentence("What was granted is not allowed any more"),
        (
            sentence("The person took consent back, or the role or the registration allows less than before."),
            sentence("Send the person through a new login, which asks again."),
        ),
        "RFC 6749 section 5.2",
    ),
    "scope": Topic("invalid_scope", sentence("The scope is not allowed"), SCOPE_CHECKS, "RFC 6749 section 3.3"),
    "grant-type": Topic(
        "unauthorized_client",
        sentence("The client may not use this grant"),
        (
            sentence("An administrator adds the grant to the registration of the client."),
            sentence("Services use client_credentials; whoever logs people in uses authorization_code."),
        ),
        "RFC 6749 section 5.2",
    ),
    "unsupported-grant-type": Topic(
        "unsupported_grant_type",
        sentence("There is no such grant here"),
        (sentence("The grants are authorization_code, refresh_token and client_credentials, in these letters."),),
        "RFC 6749 section 5.2",
    ),
    "request": Topic(
        "invalid_request",
        sentence("The request is not complete"),
        (
            sentence("Send a POST with a body of the type application/x-www-form-urlencoded, not JSON."),
            sentence("Parameters of the address do not count; each stands in the body, once and not empty."),
            sentence("The description of the answer names what is missing."),
        ),
        "RFC 6749 section 3.2",
    ),
    "unavailable": Topic(
        "temporarily_unavailable",
        sentence("The portal cannot answer this just now"),
        (sentence("Send the same request again in a moment, and wait longer each time."),),
        "RFC 6749 section 5.2",
    ),
}
BY_DESCRIPTION = {
    "More than one client authentication method was used": "one-method",
    "The client_id of the body differs from the one that authenticates": "one-method",
    "Invalid or expired authorization code": "code",
    "The redirect_uri differs from the one of the authorization request": "redirect-uri",
    "The redirect_uri of the authorization request is missing": "redirect-uri-missing",
    "The code_verifier is missing": "verifier-missing",
    "The code_verifier must be 43 to 128 unreserved characters": "verifier-form",
    "The code_verifier does not match the code_challenge": "verifier",
    "A code_verifier was sent but no code_challenge before": "verifier-unasked",
    "What was granted is not allowed any more": "withdrawn",
}
BY_ERROR = {
    "invalid_client": "client-authentication",
    "invalid_grant": "refresh-token",
    "invalid_scope": "scope",
    "unauthorized_client": "grant-type",
    "unsupported_grant_type": "unsupported-grant-type",
    "temporarily_unavailable": "unavailable",
}
CAUSES: dict[str, str] = {
    "code_unknown": sentence("No code of this client is like the one that was sent, or it is gone since long."),
    "code_used": sentence("The code was redeemed before. What was issued for it was ended, as it may be stolen."),
    "code_expired": sentence("The code was too old when it came."),
    "session_ended": sentence("The person was logged out meanwhile."),
    "person_inactive": sentence("The account of the person is disabled."),
    "redirect_uri": sentence("The code was issued for another redirect_uri than the one that was sent."),
    "redirect_uri_missing": sentence("The authorization request had a redirect_uri, so the token request needs it."),
    "verifier_missing": sentence(
        "The authorization request had a code_challenge, so the token request needs its verifier."
    ),
    "verifier_form": sentence("The verifier has a wrong length or characters that cannot be in one."),
    "verifier_is_challenge": sentence("The challenge was sent in the place of the verifier it was made of."),
    "verifier": sentence("The challenge of the authorization request was made of another verifier."),
    "verifier_unasked": sentence("The authorization request had no code_challenge, so there is nothing to compare."),
    "scopes_gone": sentence("Of the scopes that were granted, none that the request needs counts any more."),
    "refresh_unknown": sentence(
        "No refresh token of this client is like the one that was sent, or it is gone since long."
    ),
    "refresh_used": sentence("The token was used before, so the login was ended, as it may be stolen."),
    "refresh_repeated_too_often": sentence("The token was repeated more often than a lost answer explains."),
    "refresh_expired": sentence("The token was not used for too long, or its login is too old."),
    "family_ended": sentence("The login of this token was ended: by a logout, a revocation or a reuse."),
    "scope_exceeds": sentence("The refresh asks for scopes that were not granted at the login."),
    "scope": sentence("The request asks for scopes that are not registered for services of this client."),
    "grant_type": sentence("The grant that was sent is not among those registered."),
    "method": sentence("The secret is right, and was sent by another method than the registered one."),
    "assertion_client": sentence("The assertion is signed, but iss or sub is not the client_id."),
    "assertion_audience": sentence("The assertion is signed, but for another audience. Send the issuer as aud, alone."),
    "assertion_jti": sentence("The assertion is signed, but its jti is missing or longer than 255 characters."),
    "assertion_exp": sentence("The assertion is signed, but its exp is missing or no number of seconds."),
    "assertion_expired": sentence("The assertion is signed, but over. Set the clock of the client, or make it later."),
    "assertion_lives_too_long": sentence("The assertion is signed, but ends too late. Let exp be a minute ahead."),
    "assertion_iat": sentence("The assertion is signed, but its iat lies ahead. Set the clock of the client."),
    "assertion_nbf": sentence("The assertion is signed, but its nbf lies ahead. Set the clock of the client."),
    "assertion_used": sentence("The assertion is signed, but was used before. Make a new one for each request."),
}
"""Which check refused, for a client that proved itself."""
FACTS: dict[str, str] = {
    "sent": sentence("Received"),
    "expected": sentence("Expected"),
    "registered": sentence("Registered"),
    "granted": sentence("Granted"),
    "length": sentence("Characters sent"),
    "seconds_ago": sentence("Seconds ago"),
    "seconds_ahead": sentence("Seconds ahead"),
    "life": sentence("Life in seconds"),
    "longest": sentence("Longest life in seconds"),
    "now": sentence("Clock of the portal"),
}


def topic_of(error: str, description: str) -> str:
    """The topic of an answer, by what it says."""
    return BY_DESCRIPTION.get(description) or BY_ERROR.get(error, "request")


def address(error: str, description: str, cause: Cause | None, proven_id: str) -> str:
    """The ``error_uri`` of an answer (:rfc:`6749#section-5.2`), with what the client ``proven_id`` may know of it.

    For a client that did not prove itself it is a constant of the answer, and nothing is kept.
    """
    topic = topic_of(error, description)
    place = f"{services.settings.issuer}/errors/{topic}"
    if cause is None or not proven_id:
        return place
    kept_id = services.explanations.keep(topic, cause, proven_id, g.get("request_id", ""))
    return f"{place}/{kept_id}" if kept_id else place
