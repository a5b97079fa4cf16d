"""What stands for events and devices on pages, always beside words: icons of ``templates/macros/icons.html``."""

from app.services.record.audit import Event
from app.services.sessions.user_agents import DeviceKind

DEVICES: dict[DeviceKind, str] = {
    DeviceKind.DESKTOP: "laptop",
    DeviceKind.PHONE: "phone",
    DeviceKind.TABLET: "tablet",
    DeviceKind.PROGRAM: "terminal",
    DeviceKind.UNKNOWN: "question-circle",
}

EVENTS: dict[str, str] = {
    Event.ACCOUNT_REGISTERED: "person-plus",
    Event.ACCOUNT_CREATED: "person-plus",
    Event.ACCOUNT_IMPORTED: "person-plus",
    Event.ACCOUNT_INVITED: "envelope",
    Event.ACCOUNT_DISABLED: "person-gear",
    Event.ACCOUNT_ENABLED: "person-gear",
    Event.ACCOUNT_CHANGED: "person-gear",
    Event.ROLE_SET: "person-gear",
    Event.GROUP_JOINED: "person-gear",
    Event.GROUP_LEFT: "person-gear",
    Event.PRIMARY_GROUP_SET: "person-gear",
    Event.PLAN_SET: "person-gear",
    Event.PLAN_BILLED: "person-gear",
    Event.OVERRIDE_SET: "person-gear",
    Event.OVERRIDE_ENDED: "person-gear",
    Event.QUOTA_RESET: "person-gear",
    Event.PASSWORD_SET: "key",
    Event.PASSWORD_CHANGED: "key",
    Event.PASSWORD_RESET_REQUESTED: "envelope",
    Event.PASSWORD_RESET: "key",
    Event.PASSWORD_CONFIRMED: "key",
    Event.EMAIL_CONFIRMED: "envelope",
    Event.EMAIL_VERIFIED: "envelope",
    Event.EMAIL_CHANGE_REQUESTED: "envelope",
    Event.EMAIL_CHANGED: "envelope",
    Event.EMAIL_RESTORED: "envelope",
    Event.DEVICE_ADDED: "laptop",
    Event.PROFILE_CHANGED: "pencil",
    Event.PHOTO_CHANGED: "person-circle",
    Event.PHOTO_REMOVED: "person-circle",
    Event.ACCOUNT_EXPORTED: "download",
    Event.DELETION_REQUESTED: "trash",
    Event.DELETION_CANCELLED: "trash",
    Event.ACCOUNT_DELETED: "trash",
    Event.ACCOUNT_DISPLACED: "shield-exclamation",
    Event.IDENTITY_LINKED: "link-45deg",
    Event.IDENTITY_UNLINKED: "link-45deg",
    Event.IDENTITY_CONFIRMED: "link-45deg",
    Event.IDENTITY_REFUSED: "shield-exclamation",
    Event.LOGIN_SUCCEEDED: "box-arrow-in-right",
    Event.LOGIN_FAILED: "shield-exclamation",
    Event.ACTING_STARTED: "eye",
    Event.ACTING_USED: "eye",
    Event.ACTING_REFUSED: "eye",
    Event.ACTING_ENDED: "eye",
    Event.SESSION_ENDED: "box-arrow-right",
    Event.CONSENT_GRANTED: "grid",
    Event.CONSENT_DENIED: "grid",
    Event.CONSENT_WITHDRAWN: "grid",
    Event.CODE_REDEEMED: "grid",
    Event.CODE_REUSED: "shield-exclamation",
    Event.CODE_FOREIGN: "shield-exclamation",
    Event.REFRESH_REUSED: "shield-exclamation",
    Event.REFRESH_FOREIGN: "shield-exclamation",
    Event.TOKEN_REVOKED: "grid",
    Event.TOKEN_PREVIEWED: "eye",
    Event.CLIENT_CHANGED: "pencil",
}

OTHER = "clock-history"
"""For what another version of the portal recorded."""
REFUSED = "shield-exclamation"
"""For what did not succeed, whatever it is."""
