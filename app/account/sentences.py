"""Audit events, reasons and kinds of data in the words of people."""

from app.errors import sentence
from app.services.people.activity import Kind
from app.services.record.audit import Event

SENTENCES: dict[str, str] = {
    Event.ACCOUNT_REGISTERED: sentence("You created the account."),
    Event.ACCOUNT_CREATED: sentence("The account was created for you."),
    Event.ACCOUNT_IMPORTED: sentence("The account was taken over from another system."),
    Event.ACCOUNT_INVITED: sentence("An invitation to set a password was mailed."),
    Event.ACCOUNT_DISABLED: sentence("The account was disabled."),
    Event.ACCOUNT_ENABLED: sentence("The account can be used again."),
    Event.ACCOUNT_CHANGED: sentence("The account was changed for you."),
    Event.ROLE_SET: sentence("The role was changed."),
    Event.GROUP_JOINED: sentence("The account was added to a group."),
    Event.GROUP_LEFT: sentence("The account was removed from a group."),
    Event.PRIMARY_GROUP_SET: sentence("Another group is the primary one."),
    Event.PASSWORD_SET: sentence("The password was set for you."),
    Event.PASSWORD_CHANGED: sentence("The password was changed."),
    Event.PASSWORD_RESET_REQUESTED: sentence("A link to set a new password was asked for."),
    Event.PASSWORD_RESET: sentence("A new password was set by a mailed link."),
    Event.PASSWORD_CONFIRMED: sentence("The password was typed again to confirm a change."),
    Event.EMAIL_CONFIRMED: sentence("A mailed code was typed to confirm a change."),
    Event.EMAIL_VERIFIED: sentence("The e-mail address was verified."),
    Event.EMAIL_CHANGE_REQUESTED: sentence("A change of the e-mail address was asked for."),
    Event.EMAIL_CHANGED: sentence("The e-mail address was changed."),
    Event.EMAIL_RESTORED: sentence("The change of the e-mail address was undone."),
    Event.DEVICE_ADDED: sentence("You logged in on a new device."),
    Event.PROFILE_CHANGED: sentence("The profile was changed."),
    Event.PHOTO_CHANGED: sentence("A photo was uploaded."),
    Event.PHOTO_REMOVED: sentence("The photo was removed."),
    Event.ACCOUNT_EXPORTED: sentence("Your data was exported."),
    Event.DELETION_REQUESTED: sentence("The deletion of the account was asked for."),
    Event.DELETION_CANCELLED: sentence("The deletion of the account was taken back."),
    Event.ACCOUNT_DELETED: sentence("The account was deleted."),
    Event.ACCOUNT_DISPLACED: sentence("Somebody else proved the e-mail address, which was never verified here."),
    Event.IDENTITY_LINKED: sentence("A login of another provider was linked."),
    Event.IDENTITY_UNLINKED: sentence("A login of another provider was unlinked."),
    Event.IDENTITY_CONFIRMED: sentence("A login of another provider confirmed that it is you."),
    Event.IDENTITY_REFUSED: sentence("A login of another provider that is not yours was refused."),
    Event.PLAN_SET: sentence("The plan was changed."),
    Event.PLAN_BILLED: sentence("The plan was changed by your subscription."),
    Event.OVERRIDE_SET: sentence("You were granted another plan or limit."),
    Event.OVERRIDE_ENDED: sentence("A plan or limit that you were granted ended."),
    Event.QUOTA_RESET: sentence("Your usage this month was set back to 0."),
    Event.LOGIN_SUCCEEDED: sentence("You logged in."),
    Event.LOGIN_FAILED: sentence("Somebody tried to log in with a wrong password."),
    Event.ACTING_STARTED: sentence("Support began to look at your account."),
    Event.ACTING_USED: sentence("Support opened %(app)s as you see it."),
    Event.ACTING_REFUSED: sentence("Support tried to do with your account what only you can do."),
    Event.ACTING_ENDED: sentence("Support looks at your account no more."),
    Event.SESSION_ENDED: sentence("You were logged out on a device."),
    Event.CONSENT_GRANTED: sentence("You gave %(app)s access."),
    Event.CONSENT_DENIED: sentence("You refused %(app)s access."),
    Event.CONSENT_WITHDRAWN: sentence("The access of %(app)s was removed."),
    Event.CODE_REDEEMED: sentence("%(app)s logged you in."),
    Event.CODE_REUSED: sentence("A login of %(app)s was repeated, so it was ended."),
    Event.CODE_FOREIGN: sentence("Another application tried to use a login that was not its own."),
    Event.REFRESH_REUSED: sentence("An old key of %(app)s was used again, so it was logged out."),
    Event.REFRESH_FOREIGN: sentence("Another application tried to use a key that was not its own."),
    Event.TOKEN_REVOKED: sentence("%(app)s was logged out."),
    Event.TOKEN_PREVIEWED: sentence("What %(app)s would be told about you was looked at."),
    Event.CLIENT_CHANGED: sentence("You changed what is registered about %(app)s."),
    Event.KEY_CREATED: sentence("You had a signing key made."),
    Event.KEY_ROTATED: sentence("You had the next signing key take over."),
    Event.KEY_RETIRED: sentence("You retired a signing key."),
    Event.KEY_EXPIRED: sentence("A signing key expired when you changed the keys."),
    Event.AUDIT_READ: sentence("You read the audit log."),
    Event.AUDIT_EXPORTED: sentence("You exported records of the audit log."),
}
"""What each event says on the activity page; whoever adds one that can concern a person adds its sentence here."""

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
"""What can be shown alone, in the order of the page."""

NONE_OF: dict[Kind | None, str] = {
    None: sentence("Nothing is on record here."),
    Kind.LOGINS: sentence("No login is on record here."),
    Kind.CHANGES: sentence("No change is on record here."),
    Kind.APPLICATIONS: sentence("Nothing about applications is on record here."),
    Kind.REFUSED: sentence("Nothing was refused."),
}

CHANGED: dict[str, str] = {
    "full_name": sentence("Name"),
    "username": sentence("Username"),
    "avatar_url": sentence("Address of a picture"),
    "bio": sentence("About you"),
    "locale": sentence("Language"),
    "timezone": sentence("Time zone"),
}

REASONS: dict[str, str] = {
    "account_displaced": sentence("because somebody else proved the e-mail address"),
    "acting_ended": sentence("because they were done"),
    "acting_not_allowed": sentence("because it was not allowed any more"),
    "acting_replaced": sentence("because they began anew"),
    "address_proven": sentence("because the e-mail address was proven for the first time"),
    "account_disabled": sentence("because the account was disabled"),
    "administrator_disabled": sentence("because the account of who looked was disabled"),
    "administrator_left": sentence("because who looked was logged out"),
    "administrator_role": sentence("because who looked administers no more"),
    "client_changed": sentence("because the application was set up anew"),
    "client_deleted": sentence("because the application was removed"),
    "client_disabled": sentence("because the application was disabled"),
    "consent_withdrawn": sentence("because its access was removed"),
    "code_reused": sentence("because a login was repeated"),
    "deletion_requested": sentence("because the deletion of the account was asked for"),
    "email_restored": sentence("because the change of the address was undone"),
    "ended_by_administrator": sentence("because an administrator ended it"),
    "ended_by_operator": sentence("because the operator ended it"),
    "ended_by_person": sentence("because you ended it on the page of your devices"),
    "expired": sentence("because the time for it was over"),
    "identity_unlinked": sentence("because the login of another provider was unlinked"),
    "identity_unlinked_outside": sentence("because the link was ended at the other provider"),
    "logout": sentence("because you logged out"),
    "logout_everywhere": sentence("because you logged out everywhere"),
    "password_changed": sentence("because the password was changed"),
    "password_reset": sentence("because a new password was set"),
    "refresh_reused": sentence("because an old key was used again"),
    "role_changed": sentence("because the role was changed"),
    "group_changed": sentence("because another group is the primary one"),
    "replaced": sentence("because somebody else logged in in that browser"),
    "revoked_by_client": sentence("because the application asked for it"),
    "revoked_by_operator": sentence("because the operator ended it"),
}
"""Why sessions and tokens end."""

SECTIONS: dict[str, str] = {
    "identities": sentence("Ways to log in"),
    "provider_identities": sentence("Linked accounts"),
    "provider_requests": sentence("Ways to other providers"),
    "groups": sentence("Groups and roles"),
    "plan_overrides": sentence("Plans and limits you were granted"),
    "subscriptions": sentence("Subscriptions"),
    "quota": sentence("Usage this month"),
    "quota_uses": sentence("Usage history"),
    "batches": sentence("Tasks for many people you began"),
    "batch_lines": sentence("Tasks of administrators that concerned you"),
    "photo": sentence("Photo"),
    "sessions": sentence("Sessions"),
    "devices": sentence("Browsers you logged in with"),
    "consents": sentence("Permissions you gave"),
    "token_families": sentence("Logins of applications"),
    "refresh_tokens": sentence("Keys of applications"),
    "authorizations": sentence("Codes applications logged in with"),
    "revoked_tokens": sentence("Access that was ended early"),
    "mailed_links": sentence("Links sent by mail"),
    "deliveries": sentence("Mails and notices"),
    "owned_applications": sentence("Applications you own"),
    "selfchecks": sentence("Self-checks you started"),
    "activity": sentence("Activity"),
}
"""The parts of an export (:data:`app.services.people.exports.SECTIONS`) and what people call them."""
