"""What the errors of the protocol mean, topic by topic: what to look at, and the clause that decides.

A topic is chosen by the error and the description of the answer alone, so its page tells nothing that the answer did
not.
"""

from dataclasses import dataclass

from app.errors import sentence


@dataclass(frozen=True, slots=True)
class Topic:
    """What an answer means, what to look at, and the clause that decides."""

    error: str
    title: str
    checks: tuple[str, ...]
    clause: str


CODE_CHECKS = (
    sentence("For a new code, send the person through a new login; a code that was refused once stays refused."),
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
CHALLENGE_CHECKS = (
    sentence("Let the library do PKCE: in most it is one setting, called pkce or code_challenge_method, with S256."),
    sentence("A verifier has 43 to 128 characters: letters, digits, hyphens, dots, underscores and tildes."),
    sentence("The challenge is the Base64url form of the verifier's SHA-256, without = at its end."),
    sentence("Send code_challenge and code_challenge_method=S256 with the authorization request."),
    sentence("Send the verifier itself as code_verifier when the code is redeemed."),
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
    "challenge-missing": Topic(
        "invalid_request",
        sentence("The code_challenge is missing"),
        CHALLENGE_CHECKS,
        "RFC 7636 section 4.4.1, RFC 9700 section 2.1.1",
    ),
    "challenge-method": Topic(
        "invalid_request",
        sentence("The code_challenge_method is not S256"),
        CHALLENGE_CHECKS,
        "RFC 7636 section 4.3, RFC 9700 section 2.1.1",
    ),
    "challenge-form": Topic(
        "invalid_request", sentence("The code_challenge is not one"), CHALLENGE_CHECKS, "RFC 7636 section 4.2"
    ),
    "response-type": Topic(
        "unsupported_response_type",
        sentence("The response_type is another one than code"),
        (
            sentence("Send response_type=code, and redeem the code at the token endpoint."),
            sentence("Tokens are never given in an address here; set the library to code, not to token or id_token."),
        ),
        "RFC 6749 section 3.1.1, RFC 9700 section 2.1.2",
    ),
    "authorization-request": Topic(
        "invalid_request",
        sentence("The authorization request is not right"),
        (
            sentence("The error_description beside the error names the parameter and what is wrong with it."),
            sentence("Each parameter stands once, properly encoded; an empty one counts as missing."),
            sentence("The metadata at /.well-known/openid-configuration lists the values that work."),
        ),
        "RFC 6749 section 4.1.2.1, OpenID Connect Core 1.0 section 3.1.2.6",
    ),
    "token": Topic(
        "invalid_token",
        sentence("The token is not good here"),
        (
            sentence("Send the access_token of the answer, in the header: Authorization: Bearer and the token."),
            sentence("An ID token says who logged in and opens nothing; a refresh token is for the token endpoint."),
            sentence("The token is of this portal: its iss and aud are the issuer of the metadata."),
            sentence("When it has expired, or the person was logged out, get a new one: by a refresh or a new login."),
            sentence("A service gets a new token by client_credentials; its old ones end when the client is stopped."),
        ),
        "RFC 6750 section 3.1, RFC 9068 section 4",
    ),
    "token-scope": Topic(
        "insufficient_scope",
        sentence("The token does not reach so far"),
        (
            sentence("Ask for the scope that the challenge names together with the token; a token keeps its scope."),
            sentence("What people see of themselves is opened by tokens of people: authorization_code."),
            sentence(
                "The service API is opened by tokens of services: client_credentials, with scopes of administration."
            ),
            sentence("The first-party API is opened by tokens of first-party applications alone."),
        ),
        "RFC 6750 section 3.1",
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
    "A code_challenge is required": "challenge-missing",
    "A code_challenge_method was sent without a code_challenge": "challenge-missing",
    "The code_challenge_method must be S256": "challenge-method",
    "The code_challenge must be 43 base64url characters": "challenge-form",
    "The response_type must be code": "response-type",
}
BY_ERROR = {
    "invalid_client": "client-authentication",
    "invalid_grant": "refresh-token",
    "invalid_scope": "scope",
    "unauthorized_client": "grant-type",
    "unsupported_grant_type": "unsupported-grant-type",
    "temporarily_unavailable": "unavailable",
    "invalid_token": "token",
    "insufficient_scope": "token-scope",
}
AUTHORIZATION = "authorization-request"
"""Of the authorization endpoint, what no other topic is about."""


def topic_of(error: str, description: str, otherwise: str = "request") -> str:
    """The topic of an answer, by what it says."""
    return BY_DESCRIPTION.get(description) or BY_ERROR.get(error, otherwise)
