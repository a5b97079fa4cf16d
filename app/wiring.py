"""The composition root: every service, built once per application from its settings."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from flask import Flask, current_app

from app.config import Settings
from app.services.accounts import Accounts
from app.services.activity import Activity
from app.services.attempts import Attempts
from app.services.audit import Audit
from app.services.authorization import Authorization
from app.services.authorization_codes import AuthorizationCodes
from app.services.bearer import Bearer
from app.services.claims import Claims
from app.services.cleaning import Cleaning
from app.services.clients import Clients
from app.services.connected_apps import ConnectedApps
from app.services.consents import Consents
from app.services.credentials import Credentials
from app.services.deletions import Deletions
from app.services.denylist import Denylist
from app.services.devices import Devices
from app.services.email_addresses import EmailAddresses
from app.services.environment import Clock, Database
from app.services.exports import Exports
from app.services.first_party import FirstParty
from app.services.interactions import Interactions
from app.services.keys import Keys
from app.services.logout_notices import LogoutNotices
from app.services.mail import Mail
from app.services.one_time_tokens import OneTimeTokens
from app.services.outbox import Outbox
from app.services.password_resets import PasswordResets
from app.services.passwords import Passwords
from app.services.profiles import Profiles
from app.services.rate_limits import RateLimiter
from app.services.refresh_tokens import RefreshPolicy, RefreshTokens
from app.services.revocations import Revocations
from app.services.scopes import Scopes
from app.services.sealing import Sealer
from app.services.seeding import Seeding
from app.services.session_copies import SessionCopies
from app.services.sessions import SessionPolicy, Sessions
from app.services.tokens import Lifetimes, Tokens
from app.stores import KeyValueStore, open_store, shared_part

logger = logging.getLogger("portal.wiring")


@dataclass(frozen=True)
class Services:
    """What the edge calls."""

    settings: Settings
    clock: Clock
    db: Database
    store: KeyValueStore
    audit: Audit
    keys: Keys
    claims: Claims
    denylist: Denylist
    revocations: Revocations
    clients: Clients
    scopes: Scopes
    tokens: Tokens
    refresh_tokens: RefreshTokens
    codes: AuthorizationCodes
    bearer: Bearer
    sessions: Sessions
    consents: Consents
    interactions: Interactions
    authorization: Authorization
    first_party: FirstParty
    accounts: Accounts
    passwords: Passwords
    password_resets: PasswordResets
    email_addresses: EmailAddresses
    devices: Devices
    attempts: Attempts
    profiles: Profiles
    activity: Activity
    connected_apps: ConnectedApps
    exports: Exports
    deletions: Deletions
    rate_limits: RateLimiter
    seeding: Seeding
    cleaning: Cleaning
    outbox: Outbox
    mail: Mail
    one_time_tokens: OneTimeTokens
    logout_notices: LogoutNotices


def build_services(settings: Settings, db: Database, clock: Clock) -> Services:
    """Build every service over ``db``; opens the key/value store, touches nothing else."""
    if settings.tokens.algorithm == "HS256":
        logger.warning("shared_secret_signs_access_tokens")
    tokens_settings, life = settings.tokens, _lifetimes(settings)
    store, sealer = _open_store(settings), Sealer(settings.secrets.encryption_keys)
    audit, outbox = Audit(db, clock), Outbox(db, clock, sealer)
    keys = Keys(
        db,
        clock,
        audit,
        sealer,
        tokens_settings.algorithm,
        tokens_settings.shared_secret,
        max(life.access, life.service, timedelta(days=1)),
    )
    claims = Claims(db)
    tokens = Tokens(keys, clock, settings.issuer, life)
    denylist = Denylist(db, clock, shared_part(store))
    revocations = Revocations(db, clock, audit, denylist)
    policy = RefreshPolicy(timedelta(seconds=tokens_settings.reuse_window_seconds))
    refresh = RefreshTokens(db, clock, audit, tokens, claims, revocations, policy)
    clients = Clients(db, clock, audit, revocations)
    notices = LogoutNotices(db, outbox, clients, tokens)
    copies = SessionCopies(denylist.store, sealer, clock) if denylist.store else None
    sessions = Sessions(db, clock, audit, revocations, notices, _session_policy(settings), copies)
    mail, links, limits = (
        Mail(outbox, is_possible=settings.can_mail),
        OneTimeTokens(db, clock),
        RateLimiter(store, settings.limits.enabled),
    )
    devices = Devices(db, clock, audit, mail, limits, settings.issuer)
    attempts, passwords = Attempts(limits, devices, settings.limits.login), _passwords(settings)
    credentials = Credentials(db, clock, passwords, sessions, revocations, links, devices, mail)
    accounts = Accounts(db, clock, audit, passwords, credentials, attempts, sessions, revocations)
    codes = AuthorizationCodes(db, clock, audit, tokens, claims, refresh, revocations)
    consents, interactions = Consents(db, clock, audit, revocations), Interactions(db, clock)
    cooling_off, data_page = timedelta(days=settings.accounts.deletion_days), f"{settings.issuer}/account/data"
    return Services(
        settings=settings,
        clock=clock,
        db=db,
        store=store,
        audit=audit,
        keys=keys,
        claims=claims,
        denylist=denylist,
        revocations=revocations,
        clients=clients,
        scopes=Scopes(db),
        tokens=tokens,
        refresh_tokens=refresh,
        codes=codes,
        authorization=Authorization(clock, clients, consents, interactions, codes),
        bearer=Bearer(db, clock, audit, tokens, revocations),
        sessions=sessions,
        consents=consents,
        interactions=interactions,
        first_party=FirstParty(db, clock, clients, claims, tokens, refresh, revocations, sessions, mail),
        accounts=accounts,
        passwords=passwords,
        password_resets=PasswordResets(db, clock, audit, outbox, mail, links, credentials, limits, settings.issuer),
        email_addresses=EmailAddresses(
            db, clock, audit, links, mail, limits, sessions, revocations, devices, settings.issuer
        ),
        devices=devices,
        attempts=attempts,
        profiles=Profiles(db, clock, audit),
        activity=Activity(db),
        connected_apps=ConnectedApps(db, clock, clients, consents),
        exports=Exports(db, clock, audit),
        deletions=Deletions(db, clock, audit, sessions, revocations, mail, cooling_off, data_page),
        rate_limits=limits,
        seeding=Seeding(db, clock, keys, clients, accounts, settings.issuer),
        cleaning=Cleaning(db, clock),
        outbox=outbox,
        mail=mail,
        one_time_tokens=OneTimeTokens(db, clock),
        logout_notices=notices,
    )


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


def _passwords(settings: Settings) -> Passwords:
    return Passwords(is_throwaway=settings.server.environment == "testing")


def _session_policy(settings: Settings) -> SessionPolicy:
    session = settings.session
    return SessionPolicy(
        idle=timedelta(seconds=session.idle_seconds),
        absolute=timedelta(hours=session.absolute_hours),
        remembered=timedelta(days=session.remember_days),
    )


def _open_store(settings: Settings) -> KeyValueStore:
    """Redis where there is one, with the embedded store behind it; else the embedded store alone."""
    embedded = f"sqlite:///{settings.instance_path}/store.db"
    return (
        open_store(settings.storage.redis_url, fallback=embedded)
        if settings.storage.redis_url
        else open_store(embedded)
    )
