"""Rows, one aggregate per file. No rules here and no queries; knows nothing of stores, services or HTTP."""

from app.models.audit import AuditChain, AuditCheckpoint, AuditKey, AuditLog, AuditSeal, SavedFilter
from app.models.base import Base, UtcDateTime, is_of_people, new_id
from app.models.client import Client, ClientSecret, Scope, UsedAssertion
from app.models.delivery import Delivery, PeopleBatch, PeopleBatchLine
from app.models.grant import AuthorizationCode, Consent, RefreshToken, RevokedToken, TokenFamily
from app.models.identity import EmailCode, Identity, ProviderAnswer, ProviderRequest
from app.models.known_secret import KnownSecrets
from app.models.photo import Photo
from app.models.plan import BillingEvent, BillingSubscription, Plan, PlanOverride, Quota, QuotaUse
from app.models.proof import KnownDevice, OneTimeToken
from app.models.session import Interaction, UserSession
from app.models.signing_key import SigningKey
from app.models.tenancy import Group, Membership, Permission, Role, Tenancy
from app.models.usage import SelfcheckReport, UsageHour
from app.models.user import User

__all__ = [
    "AuditChain",
    "AuditCheckpoint",
    "AuditKey",
    "AuditLog",
    "AuditSeal",
    "AuthorizationCode",
    "Base",
    "BillingEvent",
    "BillingSubscription",
    "Client",
    "ClientSecret",
    "Consent",
    "Delivery",
    "EmailCode",
    "Group",
    "Identity",
    "Interaction",
    "KnownDevice",
    "KnownSecrets",
    "Membership",
    "OneTimeToken",
    "PeopleBatch",
    "PeopleBatchLine",
    "Permission",
    "Photo",
    "Plan",
    "PlanOverride",
    "ProviderAnswer",
    "ProviderRequest",
    "Quota",
    "QuotaUse",
    "RefreshToken",
    "RevokedToken",
    "Role",
    "SavedFilter",
    "Scope",
    "SelfcheckReport",
    "SigningKey",
    "Tenancy",
    "TokenFamily",
    "UsageHour",
    "UsedAssertion",
    "User",
    "UserSession",
    "UtcDateTime",
    "is_of_people",
    "new_id",
]
