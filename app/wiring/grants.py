"""GrantsRoom: what applications may do for people."""

from datetime import timedelta
from functools import cached_property

from app.services.grants.authorization import Authorization
from app.services.grants.authorization_codes import AuthorizationCodes
from app.services.grants.bearer import Bearer
from app.services.grants.connected_apps import ConnectedApps
from app.services.grants.consents import Consents
from app.services.grants.first_party import FirstParty
from app.services.grants.interactions import Interactions
from app.services.grants.refresh_tokens import RefreshPolicy, RefreshTokens
from app.wiring.sessions import SessionsRoom


class GrantsRoom(SessionsRoom):
    """Builds the services of :mod:`app.services.grants`."""

    @cached_property
    def consents(self) -> Consents:
        return Consents(self.db, self.clock, self.audit, self.revocations)

    @cached_property
    def interactions(self) -> Interactions:
        return Interactions(self.db, self.clock)

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

    @cached_property
    def authorization(self) -> Authorization:
        return Authorization(self.clock, self.clients, self.consents, self.interactions, self.codes)

    @cached_property
    def connected_apps(self) -> ConnectedApps:
        return ConnectedApps(self.db, self.clock, self.clients, self.consents)

    @cached_property
    def first_party(self) -> FirstParty:
        return FirstParty(
            self.db,
            self.clock,
            self.audit,
            self.clients,
            self.claims,
            self.tokens,
            self.refresh_tokens,
            self.revocations,
            self.sessions,
            self.sign_outs,
        )
