"""The composition root: every service, built once per application from its settings."""

import logging
from datetime import timedelta
from functools import cached_property
from typing import Any, cast

from flask import Flask, current_app

from app.services.clients.clients import Clients
from app.services.clients.scopes import Scopes
from app.services.delivery.logout_notices import LogoutNotices
from app.services.delivery.mail import Mail
from app.services.delivery.outbox import Outbox
from app.services.foundation.environment import Clock, Database
from app.services.foundation.rate_limits import RateLimiter
from app.services.foundation.sealing import Sealer
from app.services.grants.authorization import Authorization
from app.services.grants.authorization_codes import AuthorizationCodes
from app.services.grants.bearer import Bearer
from app.services.grants.connected_apps import ConnectedApps
from app.services.grants.consents import Consents
from app.services.grants.first_party import FirstParty
from app.services.grants.interactions import Interactions
from app.services.grants.refresh_tokens import RefreshPolicy, RefreshTokens
from app.services.people.accounts import Accounts
from app.services.people.activity import Activity
from app.services.people.attempts import Attempts
from app.services.people.credentials import Credentials
from app.services.people.deletions import Deletions
from app.services.people.devices import Devices
from app.services.people.email_addresses import EmailAddresses
from app.services.people.exports import Exports
from app.services.people.one_time_tokens import OneTimeTokens
from app.services.people.password_resets import PasswordResets
from app.services.people.passwords import Passwords
from app.services.people.profiles import Profiles
from app.services.record.audit import Audit
from app.services.revocation.denylist import Denylist
from app.services.revocation.revocations import Revocations
from app.services.sessions.copies import SessionCopies
from app.services.sessions.sessions import SessionPolicy, Sessions
from app.services.sessions.sign_outs import SignOuts
from app.services.tokens.claims import Claims
from app.services.tokens.keys import Keys
from app.services.tokens.tokens import Lifetimes, Tokens
from app.services.upkeep.cleaning import Cleaning
from app.services.upkeep.seeding import Seeding
from app.settings import Settings
from app.stores import KeyValueStore, open_store, shared_part

logger = logging.getLogger("portal.wiring")


class Services:
    """What the edge calls. Each service says of which others it is made; all are built when the application is."""

    def __init__(self, settings: Settings, db: Database, clock: Clock) -> None:
        self.settings, self.db, self.clock = settings, db, clock

    @cached_property
    def store(self) -> KeyValueStore:
        """Redis where there is one, with the embedded store behind it; else the embedded store alone."""
        embedded, redis_url = f"sqlite:///{self.settings.instance_path}/store.db", self.settings.storage.redis_url
        return open_store(redis_url, fallback=embedded) if redis_url else open_store(embedded)

    @cached_property
    def sealer(self) -> Sealer:
        return Sealer(self.settings.secrets.encryption_keys)

    @cached_property
    def audit(self) -> Audit:
        return Audit(self.db, self.clock)

    @cached_property
    def rate_limits(self) -> RateLimiter:
        return RateLimiter(self.store, self.settings.limits.enabled)

    # Tokens

    @cached_property
    def keys(self) -> Keys:
        tokens, life = self.settings.tokens, _lifetimes(self.settings)
        longest = max(life.access, life.service, timedelta(days=1))
        return Keys(self.db, self.clock, self.audit, self.sealer, tokens.algorithm, tokens.shared_secret, longest)

    @cached_property
    def claims(self) -> Claims:
        return Claims(self.db)

    @cached_property
    def tokens(self) -> Tokens:
        return Tokens(self.keys, self.clock, self.settings.issuer, _lifetimes(self.settings))

    @cached_property
    def denylist(self) -> Denylist:
        return Denylist(self.db, self.clock, shared_part(self.store))

    @cached_property
    def revocations(self) -> Revocations:
        return Revocations(self.db, self.clock, self.audit, self.denylist)

    @cached_property
    def refresh_tokens(self) -> RefreshTokens:
        policy = RefreshPolicy(timedelta(seconds=self.settings.tokens.reuse_window_seconds))
        return RefreshTokens(self.db, self.clock, self.audit, self.tokens, self.claims, self.revocations, policy)

    @cached_property
    def codes(self) -> AuthorizationCodes:
        return AuthorizationCodes(
            self.db, self.clock, self.audit, self.tokens, self.claims, self.refresh_tokens, self.revocations
        )

    @cached_property
    def bearer(self) -> Bearer:
        return Bearer(self.db, self.clock, self.audit, self.tokens, self.revocations)

    # Clients and what they ask for

    @cached_property
    def clients(self) -> Clients:
        return Clients(self.db, self.clock, self.audit, self.revocations)

    @cached_property
    def scopes(self) -> Scopes:
        return Scopes(self.db)

    @cached_property
    def consents(self) -> Consents:
        return Consents(self.db, self.clock, self.audit, self.revocations)

    @cached_property
    def interactions(self) -> Interactions:
        return Interactions(self.db, self.clock)

    @cached_property
    def authorization(self) -> Authorization:
        return Authorization(self.clock, self.clients, self.consents, self.interactions, self.codes)

    @cached_property
    def first_party(self) -> FirstParty:
        return FirstParty(
            self.db,
            self.clock,
            self.clients,
            self.claims,
            self.tokens,
            self.refresh_tokens,
            self.revocations,
            self.sessions,
            self.sign_outs,
        )

    # Sessions and what they tell others

    @cached_property
    def outbox(self) -> Outbox:
        return Outbox(self.db, self.clock, self.sealer)

    @cached_property
    def mail(self) -> Mail:
        return Mail(self.outbox, is_possible=self.settings.can_mail)

    @cached_property
    def logout_notices(self) -> LogoutNotices:
        return LogoutNotices(self.db, self.outbox, self.clients, self.tokens)

    @cached_property
    def sessions(self) -> Sessions:
        copies = SessionCopies(self.denylist.store, self.sealer, self.clock) if self.denylist.store else None
        policy = _session_policy(self.settings)
        return Sessions(self.db, self.clock, self.audit, self.revocations, self.logout_notices, policy, copies)

    @cached_property
    def sign_outs(self) -> SignOuts:
        return SignOuts(self.db, self.sessions, self.mail)

    @cached_property
    def devices(self) -> Devices:
        return Devices(self.db, self.clock, self.audit, self.mail, self.rate_limits, self.settings.issuer)

    # Accounts

    @cached_property
    def passwords(self) -> Passwords:
        return Passwords(is_throwaway=self.settings.server.environment == "testing")

    @cached_property
    def attempts(self) -> Attempts:
        return Attempts(self.rate_limits, self.devices, self.settings.limits.login)

    @cached_property
    def one_time_tokens(self) -> OneTimeTokens:
        return OneTimeTokens(self.db, self.clock)

    @cached_property
    def credentials(self) -> Credentials:
        return Credentials(
            self.db,
            self.clock,
            self.passwords,
            self.sessions,
            self.revocations,
            self.one_time_tokens,
            self.devices,
            self.mail,
        )

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(
            self.db,
            self.clock,
            self.audit,
            self.passwords,
            self.credentials,
            self.attempts,
            self.sessions,
        )

    @cached_property
    def password_resets(self) -> PasswordResets:
        return PasswordResets(
            self.db,
            self.clock,
            self.audit,
            self.outbox,
            self.mail,
            self.one_time_tokens,
            self.credentials,
            self.rate_limits,
            self.settings.issuer,
        )

    @cached_property
    def email_addresses(self) -> EmailAddresses:
        return EmailAddresses(
            self.db,
            self.clock,
            self.audit,
            self.one_time_tokens,
            self.mail,
            self.rate_limits,
            self.sessions,
            self.devices,
            self.settings.issuer,
        )

    @cached_property
    def profiles(self) -> Profiles:
        return Profiles(self.db, self.clock, self.audit)

    @cached_property
    def activity(self) -> Activity:
        return Activity(self.db)

    @cached_property
    def connected_apps(self) -> ConnectedApps:
        return ConnectedApps(self.db, self.clock, self.clients, self.consents)

    @cached_property
    def exports(self) -> Exports:
        return Exports(self.db, self.clock, self.audit)

    @cached_property
    def deletions(self) -> Deletions:
        return Deletions(
            self.db,
            self.clock,
            self.audit,
            self.sessions,
            self.revocations,
            self.mail,
            timedelta(days=self.settings.accounts.deletion_days),
            f"{self.settings.issuer}/account/data",
        )

    # Keeping house

    @cached_property
    def seeding(self) -> Seeding:
        return Seeding(self.db, self.clock, self.keys, self.clients, self.accounts, self.settings.issuer)

    @cached_property
    def cleaning(self) -> Cleaning:
        return Cleaning(self.db, self.clock)


def build_services(settings: Settings, db: Database, clock: Clock) -> Services:
    """Build every service over ``db``; opens the key/value store, touches nothing else."""
    if settings.tokens.algorithm == "HS256":
        logger.warning("shared_secret_signs_access_tokens")
    built = Services(settings, db, clock)
    for name, part in vars(Services).items():
        if isinstance(part, cached_property):
            getattr(built, name)
    return built


def bind(app: Flask, built: Services) -> None:
    """Make ``built`` the services of ``app``."""
    app.extensions["services"] = built


class _Current:
    """Stands for the services of the current application; Werkzeug's proxies can do more and take much longer."""

    def __getattr__(self, name: str) -> Any:
        return getattr(current_app.extensions["services"], name)


services: Services = cast(Services, _Current())
"""The services of the application that handles the current request or command."""


def _lifetimes(settings: Settings) -> Lifetimes:
    tokens = settings.tokens
    return Lifetimes(
        access=timedelta(seconds=tokens.access_seconds),
        refresh=timedelta(days=tokens.refresh_days),
        refresh_absolute=timedelta(days=tokens.refresh_absolute_days),
        service=timedelta(hours=tokens.service_hours),
    )


def _session_policy(settings: Settings) -> SessionPolicy:
    session = settings.session
    return SessionPolicy(
        idle=timedelta(seconds=session.idle_seconds),
        absolute=timedelta(hours=session.absolute_hours),
        remembered=timedelta(days=session.remember_days),
    )
