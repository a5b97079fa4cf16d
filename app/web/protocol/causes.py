"""Which check refused a request, what mends it, and what the numbers beside it are: for whom may know of it."""

from app.errors import sentence

CAUSES: dict[str, str] = {
    "code_unknown": sentence("This client was never given the code that was sent, or the code was removed long ago."),
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
        "This client was never given the refresh token that was sent, or the token was removed long ago."
    ),
    "refresh_used": sentence("The token was used before, so the login was ended, as it may be stolen."),
    "refresh_repeated_too_often": sentence("The token was repeated more often than a lost answer explains."),
    "refresh_expired": sentence("The token was not used for too long, or its login is too old."),
    "family_ended": sentence("The login of this token was ended: by a logout, a revocation or a reuse."),
    "scope_exceeds": sentence("The refresh asks for scopes that were not granted at the login."),
    "scope": sentence("The request asks for scopes that are not registered for services of this client."),
    "grant_type": sentence("The grant that was sent is not among those registered."),
    "method": sentence("The secret is right, and was sent by another method than the registered one."),
    "secret": sentence("The secret that was sent is none of those that count for this client."),
    "other_method": sentence("The client is registered for another method than the one that was used."),
    "needs_proof": sentence("The client is public, and this is for clients that prove themselves."),
    "secret_missing": sentence("The client is confidential, and neither a secret nor an assertion was sent."),
    "secret_unasked": sentence("The client is public, so it has no secret, and one was sent."),
    "assertion_form": sentence("What was sent as client_assertion is no signed token of that client_id."),
    "assertion_algorithm": sentence("The assertion is signed by an algorithm that is not taken here."),
    "assertion_header": sentence("The header of the assertion says that something has to be understood which is not."),
    "assertion_type": sentence("The typ of the assertion says that it is something else."),
    "assertion_key": sentence("No registered key is the one that the assertion names, or several could be meant."),
    "assertion_no_keys": sentence("The keys of the client could not be read at its jwks_uri."),
    "assertion_signature": sentence("The signature of the assertion is of another key than the registered one."),
    "challenge_missing": sentence("The request had no code_challenge, and this client needs one."),
    "challenge_method": sentence("The challenge was sent for another method than S256; without one, plain is meant."),
    "challenge_form": sentence("The challenge has a wrong length or characters that cannot be in one."),
    "authorization_scope": sentence("The request asks for scopes of which none is registered for this client."),
    "token_kind": sentence("What was sent as access token is a token of another kind, made for another audience."),
    "token_expired": sentence("The access token is over."),
    "token_iat": sentence("The access token lies ahead of the clock of the portal."),
    "token_of_person": sentence("The token stands for a person; this is opened by tokens of services alone."),
    "token_of_service": sentence("The token stands for a service; this is opened by tokens of people alone."),
    "token_scope": sentence("The token was granted for other scopes than this needs."),
    "token_of_application": sentence("The token is of an application that is not first-party."),
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
"""Which check refused, for who may know of it."""
NEW_LOGIN = sentence("Send the person through a new login, and redeem the code that it gives once.")
SAME_REDIRECT = sentence("Send the expected redirect_uri with the token request, character by character.")
SEND_VERIFIER = sentence("Send the verifier that the challenge was made of as code_verifier, with a new code.")
NEW_ASSERTION = sentence(
    "Set the clock by NTP, and make the assertion right before it is sent: iat now, exp a minute ahead."
)
NEW_TOKEN = sentence("Get a new token, by a refresh or a new login, and a service by client_credentials.")
SEND_CHALLENGE = sentence(
    "Send code_challenge, the Base64url form of the verifier's SHA-256, and code_challenge_method=S256."
)
FIXES: dict[str, str] = {
    "code_unknown": NEW_LOGIN,
    "code_used": NEW_LOGIN,
    "code_expired": sentence("Send the person through a new login, and redeem the code as soon as it is there."),
    "session_ended": NEW_LOGIN,
    "redirect_uri": SAME_REDIRECT,
    "redirect_uri_missing": SAME_REDIRECT,
    "verifier_missing": SEND_VERIFIER,
    "verifier_form": SEND_VERIFIER,
    "verifier_is_challenge": SEND_VERIFIER,
    "verifier": SEND_VERIFIER,
    "verifier_unasked": sentence("Send code_challenge and code_challenge_method=S256 with the authorization request."),
    "scopes_gone": sentence("Send the person through a new login, which asks again."),
    "refresh_unknown": sentence("Send the token of the last answer, as the client that got it."),
    "refresh_used": sentence("Send the person through a new login, and keep the newest token from then on."),
    "refresh_expired": sentence("Send the person through a new login."),
    "family_ended": sentence("Send the person through a new login."),
    "scope_exceeds": sentence("Ask for no more than was granted, or send the person through a new login for it."),
    "scope": sentence("Ask only for scopes that are registered, or have an administrator register the others."),
    "grant_type": sentence("Use a grant that is registered, or have an administrator register the other one."),
    "method": sentence("Send the secret by the registered method: basic is the header, post is the body."),
    "secret": sentence(
        "Send the secret as it was shown when it was made. If it is lost, an administrator makes a new one, which ends "
        "the one before."
    ),
    "secret_missing": sentence("Send the secret by the registered method: basic is the header, post is the body."),
    "other_method": sentence("Use the registered method, or have an administrator register the other one."),
    "needs_proof": sentence("Use a confidential client; a service has one of its own."),
    "secret_unasked": sentence("Send the client_id in the body, and no secret."),
    "assertion_form": sentence("Send a token of three parts with the client_id as sub, and the type of RFC 7523."),
    "assertion_algorithm": sentence("Sign by one of the expected algorithms."),
    "assertion_type": sentence("Leave typ out, or let it be JWT or client-authentication+jwt."),
    "assertion_key": sentence("Name a registered key as kid, or have an administrator register the key."),
    "assertion_no_keys": sentence("See that the jwks_uri answers 200 with a set of public keys within five seconds."),
    "assertion_signature": sentence("Sign with the registered key, or have an administrator register the new one."),
    "assertion_client": sentence("Let iss and sub be the client_id."),
    "assertion_audience": sentence("Let aud be the expected issuer, alone, without a slash or a path more."),
    "assertion_jti": sentence("Give each assertion a new jti of random characters."),
    "assertion_exp": NEW_ASSERTION,
    "assertion_expired": NEW_ASSERTION,
    "assertion_lives_too_long": NEW_ASSERTION,
    "assertion_iat": NEW_ASSERTION,
    "assertion_nbf": NEW_ASSERTION,
    "assertion_used": NEW_ASSERTION,
    "challenge_missing": SEND_CHALLENGE,
    "challenge_method": SEND_CHALLENGE,
    "challenge_form": SEND_CHALLENGE,
    "authorization_scope": sentence(
        "Ask only for scopes that are registered, or have an administrator register the others."
    ),
    "token_kind": sentence("Send the access_token of the token answer, not its id_token."),
    "token_expired": NEW_TOKEN,
    "token_iat": sentence("Set the clocks of the servers by NTP, and get a new token."),
    "token_of_person": sentence("Get a token by client_credentials, as a service for which the scope is registered."),
    "token_of_service": sentence("Send the access token of a person, got by authorization_code."),
    "token_scope": sentence("Get a new token, and ask for the expected scope when it is asked for."),
    "token_of_application": sentence("Ask userinfo instead, which answers every application what it was granted."),
}
"""What mends it; where nothing stands here, the checks of the topic do."""
COMMANDS: dict[str, tuple[str, str]] = {
    "scope": (sentence("Register the scopes"), "clients update {add_scopes} -- {client_id}"),
    "authorization_scope": (sentence("Register the scopes"), "clients update {add_scopes} -- {client_id}"),
    "secret": (sentence("Make a new secret"), "clients rotate-secret -- {client_id}"),
}
"""What an operator may type instead."""
FACTS: dict[str, str] = {
    "sent": sentence("Received"),
    "expected": sentence("Expected"),
    "registered": sentence("Registered"),
    "granted": sentence("Granted"),
    "length": sentence("Characters sent"),
    "seconds_ago": sentence("Seconds ago"),
    "seconds_ahead": sentence("Seconds ahead"),
    "spaces": sentence("Spaces and line breaks at its ends"),
    "kind": "typ",
    "iss": "iss",
    "sub": "sub",
    "iat": "iat",
    "exp": "exp",
    "nbf": "nbf",
    "life": sentence("Life in seconds"),
    "longest": sentence("Longest life in seconds"),
    "now": sentence("Clock of the portal"),
}
