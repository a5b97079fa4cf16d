"""What happened with somebody's account, in the words of those who look after it."""

from app.errors import sentence
from app.services.people.activity import ADMINISTRATOR, BY_ITSELF, OPERATOR, Kind
from app.services.record.audit import Event

SENTENCES: dict[str, str] = {
    Event.ACCOUNT_REGISTERED: sentence("Created the account."),
    Event.ACCOUNT_CREATED: sentence("The account was created for this person."),
    Event.ACCOUNT_IMPORTED: sentence("The account was taken over from another system."),
    Event.ACCOUNT_INVITED: sentence("An invitation to set a password was mailed."),
    Event.ACCOUNT_DISABLED: sentence("The account was disabled."),
    Event.ACCOUNT_ENABLED: sentence("The account can be used again."),
    Event.ACCOUNT_CHANGED: sentence("What is known of the e-mail address was changed."),
    Event.ROLE_SET: sentence("The role was changed."),
    Event.GROUP_JOINED: sentence("The account was added to a group."),
    Event.GROUP_LEFT: sentence("The account was removed from a group."),
    Event.PRIMARY_GROUP_SET: sentence("Another group is the primary one."),
    Event.PASSWORD_SET: sentence("The password was set for this person."),
    Event.PASSWORD_CHANGED: sentence("The password was changed."),
    Event.PASSWORD_RESET_REQUESTED: sentence("A link to set a new password was asked for."),
    Event.PASSWORD_RESET: sentence("A new password was set by a mailed link."),
    Event.PASSWORD_CONFIRMED: sentence("The password was typed again to confirm a change."),
    Event.EMAIL_CONFIRMED: sentence("A mailed code was typed to confirm a change."),
    Event.EMAIL_VERIFIED: sentence("The e-mail address was verified."),
    Event.EMAIL_CHANGE_REQUESTED: sentence("A change of the e-mail address was asked for."),
    Event.EMAIL_CHANGED: sentence("The e-mail address was changed."),
    Event.EMAIL_RESTORED: sentence("The change of the e-mail address was undone."),
    Event.DEVICE_ADDED: sentence("Logged in on a new device."),
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
    Event.IDENTITY_REFUSED: sentence("A login of another provider that is somebody else's was refused."),
    Event.PLAN_SET: sentence("The plan was changed."),
    Event.PLAN_BILLED: sentence("The plan was changed by a subscription."),
    Event.OVERRIDE_SET: sentence("Another plan or limit was granted."),
    Event.OVERRIDE_ENDED: sentence("A plan or limit that was granted ended."),
    Event.QUOTA_RESET: sentence("The usage this month was set back to 0."),
    Event.LOGIN_SUCCEEDED: sentence("Logged in."),
    Event.LOGIN_FAILED: sentence("Somebody tried to log in with a wrong password."),
    Event.SESSION_ENDED: sentence("Was logged out on a device."),
    Event.ACTING_STARTED: sentence("An administrator began to act as this person."),
    Event.ACTING_USED: sentence("An administrator opened %(app)s as this person."),
    Event.ACTING_REFUSED: sentence("An administrator tried to do what only the person can do."),
    Event.ACTING_ENDED: sentence("An administrator acts as this person no more."),
    Event.CONSENT_GRANTED: sentence("Gave %(app)s access."),
    Event.CONSENT_DENIED: sentence("Refused %(app)s access."),
    Event.CONSENT_WITHDRAWN: sentence("The access of %(app)s was removed."),
    Event.CODE_REDEEMED: sentence("%(app)s logged the person in."),
    Event.CODE_REUSED: sentence("A login of %(app)s was repeated, so it was ended."),
    Event.CODE_FOREIGN: sentence("Another application tried to use a login that was not its own."),
    Event.REFRESH_REUSED: sentence("An old key of %(app)s was used again, so it was logged out."),
    Event.REFRESH_FOREIGN: sentence("Another application tried to use a key that was not its own."),
    Event.TOKEN_REVOKED: sentence("%(app)s was logged out."),
    Event.TOKEN_PREVIEWED: sentence("What %(app)s would be told about the person was looked at."),
    Event.CLIENT_CHANGED: sentence("Changed what is registered about %(app)s."),
    Event.KEY_CREATED: sentence("Had a signing key made."),
    Event.KEY_ROTATED: sentence("Had the next signing key take over."),
    Event.KEY_RETIRED: sentence("Retired a signing key."),
    Event.KEY_EXPIRED: sentence("A signing key expired while this person changed the keys."),
    Event.DELIVERY_RETRIED: sentence("Had mails or notices tried again."),
    Event.DELIVERY_DROPPED: sentence("A mail or notice was taken out of the queue."),
    Event.DELIVERY_TESTED: sentence("Had a test mail sent."),
    Event.PROVIDER_TESTED: sentence("Tested an identity provider."),
    Event.AUDIT_READ: sentence("Looked into the audit log."),
    Event.AUDIT_EXPORTED: sentence("Exported records of the audit log."),
}
"""By event; whoever adds one that can concern a person adds its sentence here."""

FAILED: dict[str, str] = {
    Event.PASSWORD_CHANGED: sentence("Somebody tried to change the password without knowing it."),
    Event.PASSWORD_CONFIRMED: sentence("Somebody typed a wrong password to confirm a change."),
    Event.EMAIL_CONFIRMED: sentence("Somebody typed a wrong code to confirm a change."),
}
"""What those say that did not succeed, where it is something else."""

UNNAMED = sentence("Something about the account was recorded.")
"""For what another version of the portal recorded."""

KINDS: dict[Kind | None, str] = {
    None: sentence("All"),
    Kind.LOGINS: sentence("Logins"),
    Kind.CHANGES: sentence("Changes"),
    Kind.APPLICATIONS: sentence("Applications"),
    Kind.REFUSED: sentence("Refused"),
}

ACTORS: dict[str, str] = {
    OPERATOR: sentence("the operator"),
    ADMINISTRATOR: sentence("an administrator"),
    **dict.fromkeys(BY_ITSELF, sentence("the portal itself")),
}
"""Who did it, if it was not the person."""

REASONS: dict[str, str] = {
    "account_displaced": sentence("because somebody else proved the e-mail address"),
    "acting_ended": sentence("because they were done"),
    "acting_not_allowed": sentence("because it was not allowed any more"),
    "acting_replaced": sentence("because they began anew"),
    "administrator_disabled": sentence("because the account of who looked was disabled"),
    "administrator_left": sentence("because who looked was logged out"),
    "administrator_role": sentence("because who looked administers no more"),
    "expired": sentence("because the time for it was over"),
    "address_proven": sentence("because the e-mail address was proven for the first time"),
    "account_disabled": sentence("because the account was disabled"),
    "client_changed": sentence("because the application was set up anew"),
    "client_deleted": sentence("because the application was removed"),
    "client_disabled": sentence("because the application was disabled"),
    "consent_withdrawn": sentence("because its access was removed"),
    "code_reused": sentence("because a login was repeated"),
    "deletion_requested": sentence("because the deletion of the account was asked for"),
    "email_restored": sentence("because the change of the address was undone"),
    "ended_by_administrator": sentence("because an administrator ended it"),
    "ended_by_operator": sentence("because the operator ended it"),
    "ended_by_person": sentence("because the person ended it on the page of devices"),
    "identity_unlinked": sentence("because the login of another provider was unlinked"),
    "identity_unlinked_outside": sentence("because the link was ended at the other provider"),
    "logout": sentence("because the person logged out"),
    "logout_everywhere": sentence("because the person logged out everywhere"),
    "password_changed": sentence("because the password was changed"),
    "password_reset": sentence("because a new password was set"),
    "refresh_reused": sentence("because an old key was used again"),
    "role_changed": sentence("because the role was changed"),
    "group_changed": sentence("because another group is the primary one"),
    "replaced": sentence("because somebody else logged in in that browser"),
    "revoked_by_client": sentence("because the application asked for it"),
    "revoked_by_administrator": sentence("because an administrator ended it"),
    "revoked_by_operator": sentence("because the operator ended it"),
}
"""Why sessions and tokens end."""
