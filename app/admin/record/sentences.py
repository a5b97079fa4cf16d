"""What is on record in the words of administrators: who reads it is not whom it is about."""

from dataclasses import dataclass

from app.errors import sentence
from app.services.record.audit import Event

SENTENCES: dict[str, str] = {
    Event.ACCOUNT_REGISTERED: sentence("Somebody created an account."),
    Event.ACCOUNT_CREATED: sentence("An account was created for somebody."),
    Event.ACCOUNT_IMPORTED: sentence("The account was taken over from another system."),
    Event.ACCOUNT_INVITED: sentence("An invitation to set a password was mailed."),
    Event.ACCOUNT_DISABLED: sentence("The account was disabled."),
    Event.ACCOUNT_ENABLED: sentence("The account can be used again."),
    Event.ACCOUNT_CHANGED: sentence("The account was changed."),
    Event.ROLE_SET: sentence("The role was changed."),
    Event.GROUP_JOINED: sentence("The account was added to a group."),
    Event.GROUP_LEFT: sentence("The account was removed from a group."),
    Event.PRIMARY_GROUP_SET: sentence("Another group is the primary one."),
    Event.PASSWORD_SET: sentence("A password was set for the account."),
    Event.PASSWORD_CHANGED: sentence("The password was changed."),
    Event.PASSWORD_RESET_REQUESTED: sentence("A link to set a new password was asked for."),
    Event.PASSWORD_RESET: sentence("A new password was set by a mailed link."),
    Event.PASSWORD_CONFIRMED: sentence("The password was typed again to confirm a change."),
    Event.EMAIL_CONFIRMED: sentence("A mailed code was typed to confirm a change."),
    Event.EMAIL_VERIFIED: sentence("The e-mail address was verified."),
    Event.EMAIL_CHANGE_REQUESTED: sentence("A change of the e-mail address was asked for."),
    Event.EMAIL_CHANGED: sentence("The e-mail address was changed."),
    Event.EMAIL_RESTORED: sentence("The change of the e-mail address was undone."),
    Event.DEVICE_ADDED: sentence("The person logged in on a new device."),
    Event.PROFILE_CHANGED: sentence("The profile was changed."),
    Event.PHOTO_CHANGED: sentence("A photo was uploaded."),
    Event.PHOTO_REMOVED: sentence("The photo was removed."),
    Event.ACCOUNT_EXPORTED: sentence("The data of the account was exported."),
    Event.DELETION_REQUESTED: sentence("The deletion of the account was asked for."),
    Event.DELETION_CANCELLED: sentence("The deletion of the account was taken back."),
    Event.ACCOUNT_DELETED: sentence("The account was deleted."),
    Event.ACCOUNT_DISPLACED: sentence("Somebody else proved the e-mail address, which was never verified here."),
    Event.IDENTITY_LINKED: sentence("A login of another provider was linked."),
    Event.IDENTITY_UNLINKED: sentence("A login of another provider was unlinked."),
    Event.IDENTITY_CONFIRMED: sentence("A login of another provider confirmed a change."),
    Event.IDENTITY_REFUSED: sentence("A login of another provider that belongs to somebody else was refused."),
    Event.PLAN_SET: sentence("The plan was changed."),
    Event.PLAN_BILLED: sentence("The plan was changed by the subscription."),
    Event.OVERRIDE_SET: sentence("Another plan or limit was granted."),
    Event.OVERRIDE_ENDED: sentence("A plan or limit that was granted ended."),
    Event.QUOTA_RESET: sentence("The usage of this month was set back to 0."),
    Event.LOGIN_SUCCEEDED: sentence("The person logged in."),
    Event.LOGIN_FAILED: sentence("A login was refused."),
    Event.SESSION_ENDED: sentence("A session ended."),
    Event.PEOPLE_IMPORTED: sentence("People were imported from a file."),
    Event.ACTING_STARTED: sentence("An administrator began to act as the person."),
    Event.ACTING_USED: sentence("An administrator opened an application as the person."),
    Event.ACTING_REFUSED: sentence("An administrator tried to do what only the person can do."),
    Event.ACTING_ENDED: sentence("An administrator acts as the person no more."),
    Event.CONSENT_GRANTED: sentence("The person gave the application access."),
    Event.CONSENT_DENIED: sentence("The person refused the application access."),
    Event.CONSENT_WITHDRAWN: sentence("The access of the application was removed."),
    Event.CODE_REDEEMED: sentence("The application logged the person in."),
    Event.CODE_REUSED: sentence("A code was used twice, so what it gave was ended."),
    Event.CODE_FOREIGN: sentence("An application tried to use the code of another one."),
    Event.REFRESH_REUSED: sentence("A refresh token was used again, so all tokens of its login were ended."),
    Event.REFRESH_FOREIGN: sentence("An application tried to use the refresh token of another one."),
    Event.TOKEN_REVOKED: sentence("Tokens were ended."),
    Event.SERVICE_TOKEN_ISSUED: sentence("A service token was issued."),
    Event.TOKEN_PREVIEWED: sentence("What a token would say was looked at."),
    Event.CLIENT_AUTHENTICATION_FAILED: sentence("An application could not prove which one it is."),
    Event.CLIENT_CREATED: sentence("An application was registered."),
    Event.CLIENT_CHANGED: sentence("What is registered about the application was changed."),
    Event.CLIENT_DISABLED: sentence("The application was turned off."),
    Event.CLIENT_ENABLED: sentence("The application was turned on again."),
    Event.CLIENT_DELETED: sentence("The application was deleted."),
    Event.CLIENT_SECRET_ROTATED: sentence("The application got a new secret."),
    Event.CLIENT_SECRET_ENDED: sentence("A secret of the application ended."),
    Event.SCOPE_ADDED: sentence("A scope was added."),
    Event.SCOPE_WORDED: sentence("A scope says something else to people."),
    Event.SCOPE_REMOVED: sentence("A scope was removed."),
    Event.PERMISSION_DECLARED: sentence("A permission was declared."),
    Event.PERMISSION_REMOVED: sentence("A permission was removed."),
    Event.ROLE_CREATED: sentence("A role was created."),
    Event.ROLE_CHANGED: sentence("A role was changed."),
    Event.ROLE_DELETED: sentence("A role was deleted."),
    Event.GROUP_CREATED: sentence("A group was created."),
    Event.GROUP_CHANGED: sentence("A group was changed."),
    Event.GROUP_DELETED: sentence("A group was deleted."),
    Event.PLAN_LIMIT_SET: sentence("The limit of a plan was changed."),
    Event.BILLING_IGNORED: sentence("A notice of the payment provider was not followed."),
    Event.KEY_CREATED: sentence("A signing key was made."),
    Event.KEY_ROTATED: sentence("The next signing key took over."),
    Event.KEY_RETIRED: sentence("A signing key was retired."),
    Event.KEY_EXPIRED: sentence("A signing key expired."),
    Event.KEYS_RESEALED: sentence("What is stored encrypted was encrypted anew."),
    Event.AUDIT_READ: sentence("The audit log was read."),
    Event.AUDIT_EXPORTED: sentence("Records of the audit log were exported."),
    Event.AUDIT_TRIMMED: sentence("Old records of the audit log were removed."),
    Event.AUDIT_KEY_CREATED: sentence("A key that signs the audit log was made."),
    Event.AUDIT_KEY_ROTATED: sentence("Another key signs the audit log from now on."),
    Event.SELFCHECK_RUN: sentence("The self-check was run."),
    Event.DELIVERY_RETRIED: sentence("Mails or notices were tried again."),
    Event.DELIVERY_DROPPED: sentence("A mail or notice was taken out of the queue."),
    Event.DELIVERY_TESTED: sentence("A test mail was sent."),
    Event.PROVIDER_TESTED: sentence("An identity provider was tested."),
}
"""What each event says in the audit log; whoever adds an event adds its sentence here."""

FAILED: dict[str, str] = {
    Event.PASSWORD_CHANGED: sentence("Somebody tried to change the password without knowing it."),
    Event.PASSWORD_CONFIRMED: sentence("Somebody typed a wrong password to confirm a change."),
    Event.EMAIL_CONFIRMED: sentence("Somebody typed a wrong code to confirm a change."),
}
"""What those say that did not succeed, where it is something else."""

UNNAMED = sentence("Something was recorded by another version of the portal.")

SUBJECTS: dict[str, str] = {
    "account": sentence("Accounts"),
    "session": sentence("Sessions"),
    "people": sentence("Import"),
    "acting": sentence("Acting as somebody"),
    "consent": sentence("Consents"),
    "oauth": sentence("Codes and tokens"),
    "client": sentence("Applications"),
    "permission": sentence("Permissions"),
    "role": sentence("Roles"),
    "group": sentence("Groups"),
    "plan": sentence("Plans"),
    "billing": sentence("Payments"),
    "key": sentence("Signing keys"),
    "audit": sentence("Audit log"),
    "selfcheck": sentence("Self-check"),
    "delivery": sentence("Mails and notices"),
    "provider": sentence("Identity providers"),
}
"""What the first word of an event's name stands for."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Events whose names begin alike; ``prefix`` finds all of them."""

    prefix: str
    label: str
    events: tuple[str, ...]


def subjects() -> list[Subject]:
    """All events by what they are about."""
    by_word: dict[str, list[str]] = {}
    for event in Event:
        by_word.setdefault(event.value.partition(":")[0], []).append(event.value)
    return [Subject(f"{word}:", SUBJECTS.get(word, word), tuple(events)) for word, events in by_word.items()]


def told(action: str, *, is_success: bool) -> str:
    """What a record says, in English."""
    text = SENTENCES.get(action, UNNAMED)
    return text if is_success else FAILED.get(action, text)
