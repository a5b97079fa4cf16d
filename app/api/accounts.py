"""A person's own account: who they are, their password and their address."""

from app.api.bearer import Person
from app.api.models import (
    Done,
    EmailChange,
    ForgottenPassword,
    MailedLink,
    PasswordChange,
    PasswordReset,
    ProfileChange,
    User,
)
from app.api.operations import Access, Routes
from app.api.people import described
from app.api.presence import prove_presence, require_recent_login
from app.errors import InvalidInput, NotFound
from app.languages import current_language
from app.web.devices import device_token, trust_device
from app.web.security import caller
from app.web.sessions import current_session, rotate_session
from app.wiring import services

routes = Routes("Account")


@routes("GET", "/me", Access.PROFILE, answer=User)
def me(person: Person) -> User:
    """The person the access token stands for."""
    return described(person.subject, person.scopes)


@routes("PUT", "/profile", Access.BEARER, body=ProfileChange, answer=User)
def profile(person: Person, body: ProfileChange) -> User:
    """Change what people may change of themselves; everything or, when one value cannot be used, nothing."""
    changed = services.profiles.update(person.id, body.given(), caller())
    return described(person.subject, person.scopes, changed)


@routes("PUT", "/photo", Access.BEARER, takes_file=True, answer=User)
def put_photo(person: Person, file: bytes) -> User:
    """Make the picture that is the body the person's photo: `avatar_url` is its address then.

    A JPEG, PNG, WebP, GIF or AVIF, told by what it is. The middle of it is kept as a square, in three sizes, without
    metadata: `512.jpg` at the end of `avatar_url` may be `192.jpg` or `64.jpg`. A new photo has a new address.
    """
    services.photos.put(person.id, services.photos.prepare(person.id, file), caller())
    return described(person.subject, person.scopes, services.profiles.get(person.id))


@routes("DELETE", "/photo", Access.BEARER, answer=User)
def delete_photo(person: Person) -> User:
    """Remove the photo; a picture at another address that it took the place of counts again."""
    services.photos.remove(person.id, caller())
    return described(person.subject, person.scopes, services.profiles.get(person.id))


@routes("POST", "/forgot-password", Access.CREDENTIALS, body=ForgottenPassword, answer=Done, refusals=(404,))
def forgot_password(body: ForgottenPassword) -> Done:
    """Mail a link for setting a new password, if there is an account of that address; the answer is always the same.

    A portal that sends no mail has no such thing and answers 404.
    """
    _require_mail()
    services.attempts.count("password_reset", body.email, caller(), device_token())
    services.password_resets.request(body.email, current_language(), None, caller())
    return Done(message="If there is an account of this address, a mail is on its way.")


@routes("POST", "/reset-password", Access.CREDENTIALS, body=PasswordReset, answer=Done, refusals=(410,))
def reset_password(body: PasswordReset) -> Done:
    """Set a new password by the token of the mailed link; every session and token of the account ends."""
    proof = services.password_resets.reset(body.token, body.password, caller())
    # Else whoever guesses at the account from elsewhere could keep its owner out, whose browsers were just forgotten.
    trust_device(proof.user_id)
    return Done(message="The new password is set. Log in with it.")


@routes("POST", "/verify-email", Access.CREDENTIALS, body=MailedLink, answer=Done, refusals=(410,))
def verify_email(body: MailedLink) -> Done:
    """Prove the account's address by the token of the mailed link."""
    services.email_addresses.verify(body.token, caller())
    return Done(message="The address is confirmed.")


@routes("POST", "/verify-email/resend", Access.BEARER, answer=Done, refusals=(404,))
def resend_verification(person: Person) -> Done:
    """Mail the link that proves the address once more, if it is not proven yet; earlier links are void."""
    _require_mail()
    services.email_addresses.send_verification(person.id, current_language())
    return Done(message="If the address is not confirmed yet, a mail is on its way.")


@routes("POST", "/change-password", Access.BEARER, body=PasswordChange, answer=Done)
def change_password(person: Person, body: PasswordChange) -> Done:
    """Set a new password for the present one, or the first one; every other session and its tokens end."""
    kept = person.session_id or None
    if not body.current_password:
        require_recent_login(person)
    try:
        if body.current_password:
            services.accounts.change_password(
                person.id, body.current_password, body.new_password, caller(), keep_session_id=kept
            )
        else:
            services.accounts.set_first_password(person.id, body.new_password, caller(), keep_session_id=kept)
    except InvalidInput as refusal:
        named = {"current": "current_password", "password": "new_password"}
        raise InvalidInput(refusal.message, named.get(refusal.field, refusal.field)) from refusal
    if (active := current_session()) and active.id == person.session_id:
        rotate_session()
    return Done(message="The new password is set. Other sessions have ended.")


@routes("POST", "/change-email", Access.BEARER, body=EmailChange, answer=Done, refusals=(404,))
def change_email(person: Person, body: EmailChange) -> Done:
    """Mail a link to the new address; until it is opened and confirmed the old address counts."""
    _require_mail()
    prove_presence(person, body.current_password)
    services.email_addresses.request_change(person.id, body.email, current_language(), caller())
    return Done(message="A mail with a link is on its way to the new address.")


def _require_mail() -> None:
    """Nobody is told that a mail is on its way where none leaves."""
    if not services.mail.is_possible:
        raise NotFound
