"""TokensRoom: keys, claims, minting."""

from datetime import timedelta
from functools import cached_property

from app.services.tokens.claims import Claims
from app.services.tokens.keys import Keys, Lives
from app.services.tokens.tokens import Lifetimes, Tokens
from app.settings import Settings
from app.wiring.tenancy import PlansRoom


class TokensRoom(PlansRoom):
    """Builds the services of :mod:`app.services.tokens`."""

    @cached_property
    def keys(self) -> Keys:
        tokens, life = self.settings.tokens, _lifetimes(self.settings)
        session = self.settings.session
        lives = Lives(
            token=max(life.access, life.service, timedelta(days=1)),
            session=max(
                timedelta(hours=session.absolute_hours), timedelta(days=session.remember_days), life.refresh_absolute
            ),
        )
        return Keys(self.db, self.clock, self.audit, self.sealer, tokens.algorithm, tokens.shared_secret, lives)

    @cached_property
    def claims(self) -> Claims:
        return Claims(self.db, self.clock, self.settings.issuer)

    @cached_property
    def tokens(self) -> Tokens:
        settings = self.settings
        return Tokens(
            self.keys,
            self.clock,
            settings.issuer,
            _lifetimes(settings),
            has_all_claims=settings.tokens.has_all_claims,
        )


def _lifetimes(settings: Settings) -> Lifetimes:
    tokens = settings.tokens
    return Lifetimes(
        access=timedelta(seconds=tokens.access_seconds),
        refresh=timedelta(days=tokens.refresh_days),
        refresh_absolute=timedelta(days=tokens.refresh_absolute_days),
        service=timedelta(hours=tokens.service_hours),
    )
