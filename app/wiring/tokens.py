"""TokensRoom: keys, claims, minting."""

from datetime import timedelta
from functools import cached_property
from typing import TypeVar

from app.services.tokens.claims import Claims
from app.services.tokens.keys import Keys, Lives
from app.services.tokens.tokens import Lifetimes, Tokens
from app.services.tokens.unsigned import UnsignedTokens
from app.settings import Settings
from app.wiring.tenancy import PlansRoom

T = TypeVar("T", bound=Tokens)


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
        return self._made(Tokens)

    @cached_property
    def unsigned_tokens(self) -> UnsignedTokens:
        return self._made(UnsignedTokens)

    def _made(self, kind: type[T]) -> T:
        has_all = self.settings.tokens.has_all_claims
        return kind(self.keys, self.clock, self.settings.issuer, _lifetimes(self.settings), has_all_claims=has_all)


def _lifetimes(settings: Settings) -> Lifetimes:
    tokens = settings.tokens
    return Lifetimes(
        access=timedelta(seconds=tokens.access_seconds),
        refresh=timedelta(days=tokens.refresh_days),
        refresh_absolute=timedelta(days=tokens.refresh_absolute_days),
        service=timedelta(hours=tokens.service_hours),
    )
