"""What a provider answered about somebody who has no account yet, or has one that is to be proven first."""

import hmac
import json
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any, cast

import sqlalchemy as sa

from app.errors import AnswerGone
from app.models import ProviderAnswer
from app.services.foundation.environment import Clock, Database, random_token, sha256
from app.services.foundation.sealing import Sealer, Unopenable
from app.services.identities.profiles import ProviderProfile
from app.services.identities.requests import Way

LIFE = timedelta(minutes=60)
_answer = cast(sa.Table, ProviderAnswer.__table__)


@dataclass(frozen=True, slots=True)
class Answer:
    """Whom a provider named, with the tokens it gave; ``id`` stands in the address bar.

    ``email`` is the address the account is to have, which is proven: by the provider, or by a code that was mailed.
    """

    id: str
    profile: ProviderProfile
    tokens: dict[str, Any]
    way: Way
    email: str = ""


class ProviderAnswers:
    """Keeps answers, sealed, each for the browser that fetched it."""

    def __init__(self, db: Database, clock: Clock, sealer: Sealer) -> None:
        self.db = db
        self.clock = clock
        self.sealer = sealer

    def keep(self, profile: ProviderProfile, tokens: dict[str, Any], way: Way, browser: str) -> Answer:
        """Keep an answer for an hour."""
        email = profile.email if profile.email_verified else ""
        answer, now = Answer(random_token(192), profile, tokens, way, email), self.clock()
        self.db.session.execute(
            sa.insert(_answer).values(
                id_hash=sha256(answer.id),
                browser_hash=sha256(browser),
                provider=profile.provider,
                issuer=profile.issuer,
                subject=profile.subject,
                sealed=self._sealed(answer),
                created_at=now,
                expires_at=now + LIFE,
            )
        )
        return answer

    def get(self, answer_id: str, browser: str) -> Answer:
        """The answer of that id; raises :class:`AnswerGone`, also in another browser."""
        row = self.db.session.execute(sa.select(_answer).where(*self._is_good(answer_id))).first()
        if row is None or not hmac.compare_digest(row.browser_hash, sha256(browser)):
            raise AnswerGone
        return self._opened(answer_id, row)

    def prove_email(self, answer: Answer, email: str) -> Answer:
        """The person at this browser reads the mailbox of ``email``."""
        proven = replace(answer, email=email)
        self.db.session.execute(sa.update(_answer).where(*self._is_good(answer.id)).values(sealed=self._sealed(proven)))
        return proven

    def use(self, answer: Answer) -> None:
        """Make something of the answer: of many who try at once one does, the others get :class:`AnswerGone`."""
        self.hold(answer.profile)
        used = self.db.session.execute(
            sa.update(_answer).where(*self._is_good(answer.id)).values(used_at=self.clock(), sealed="")
        )
        if cast(Any, used).rowcount != 1:
            raise AnswerGone

    def hold(self, profile: ProviderProfile) -> None:
        """Have others who decide about the same identity wait until this transaction is over.

        All take its answers in one order, and before its link: else each of two could hold what the other waits for.
        """
        theirs = sa.select(_answer.c.id_hash).where(*_about(profile.provider, profile.issuer, profile.subject))
        self.db.session.execute(theirs.order_by(_answer.c.id_hash).with_for_update()).all()

    def void(self, provider: str, issuer: str, subject: str) -> None:
        """Forget what waits about somebody: it was decided in another way."""
        self.db.session.execute(sa.delete(_answer).where(*_about(provider, issuer, subject)))

    def _is_good(self, answer_id: str) -> tuple[sa.ColumnElement[bool], ...]:
        return (
            _answer.c.id_hash == sha256(answer_id),
            _answer.c.used_at.is_(None),
            _answer.c.expires_at > self.clock(),
        )

    def _sealed(self, answer: Answer) -> str:
        content = {
            "profile": answer.profile.as_dict(),
            "tokens": answer.tokens,
            "way": asdict(answer.way),
            "email": answer.email,
        }
        return self.sealer.seal(json.dumps(content).encode())

    def _opened(self, answer_id: str, row: Any) -> Answer:
        try:
            content = json.loads(self.sealer.open(row.sealed))
        except (Unopenable, ValueError):
            raise AnswerGone from None
        profile = ProviderProfile.from_dict(content["profile"])
        return Answer(answer_id, profile, content["tokens"], Way(**content["way"]), content["email"])


def _about(provider: str, issuer: str, subject: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _answer.c.provider == provider, _answer.c.issuer == issuer, _answer.c.subject == subject
