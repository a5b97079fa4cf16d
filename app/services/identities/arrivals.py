"""What an answer of a provider leads to: whose account it opens, or what has to be done before it opens one.

The key is the identity (provider, issuer, subject). An e-mail leads to an account only where the provider and the
portal both know it as verified, and then only to the question for that account's own proof.
"""

import enum
from dataclasses import dataclass

from app.errors import InvalidInput, sentence
from app.services.delivery.mail import Mail
from app.services.foundation.environment import Caller, Database
from app.services.foundation.person import Person, lock_person, person_at, person_of
from app.services.identities.answers import Answer, ProviderAnswers
from app.services.identities.displacements import Displacements
from app.services.identities.email_codes import LIFE, EmailCodes, in_mail
from app.services.identities.identities import Identities, LinkedIdentity
from app.services.people.accounts import TAKEN, Accounts
from app.services.people.email_names import normalised

KEPT = sentence("There is an account with this e-mail. Log in to it, then link this login on the page of your account.")


class Step(enum.Enum):
    """What comes next for somebody whom a provider has named."""

    LOG_IN = "log_in"
    DISABLED = "disabled"
    EMAIL = "email"
    PROVE = "prove"
    JOIN = "join"


@dataclass(frozen=True, slots=True)
class Arrival:
    """The step, with the link it opens an account by (LOG_IN, DISABLED) or the account that is to be proven (PROVE)."""

    step: Step
    identity: LinkedIdentity | None = None
    holder: Person | None = None


def next_step(
    answer: Answer, identity: LinkedIdentity | None, owner: Person | None, holder: Person | None, *, can_mail: bool
) -> Arrival:
    """What an answer leads to. Pure: ``owner`` is the person of ``identity``, ``holder`` who has the proven address."""
    if identity is not None:
        is_welcome = owner is not None and owner.is_active
        return Arrival(Step.LOG_IN if is_welcome else Step.DISABLED, identity, owner)
    if not answer.email and can_mail:
        return Arrival(Step.EMAIL)
    if holder is not None and holder.email_verified:
        return Arrival(Step.PROVE, holder=holder)
    return Arrival(Step.JOIN)


class Arrivals:
    """Decides on answers, and makes of them accounts and links."""

    def __init__(
        self,
        db: Database,
        answers: ProviderAnswers,
        identities: Identities,
        codes: EmailCodes,
        displacements: Displacements,
        accounts: Accounts,
        mail: Mail,
    ) -> None:
        self.db = db
        self.answers = answers
        self.identities = identities
        self.codes = codes
        self.displacements = displacements
        self.accounts = accounts
        self.mail = mail

    def decide(self, answer: Answer) -> Arrival:
        """What comes next for the person at this browser."""
        identity = self.identities.find(answer.profile)
        owner = person_of(self.db, identity.user_id) if identity else None
        holder = person_at(self.db, answer.email) if answer.email else None
        return next_step(answer, identity, owner, holder, can_mail=self.mail.is_possible)

    def send_code(self, answer: Answer, email: str, language: str) -> str:
        """Mail a code to an address, whoever's it is; answers it as it is kept.

        The answer and what it costs are the same whether an account has it or not. Raises :class:`InvalidInput` for
        what is no address, ``TooManyAttempts`` after five codes within an hour.
        """
        address = normalised(email)
        code = self.codes.issue(_key(answer), address)
        self.mail.send_to(
            "email_code",
            address,
            language,
            life=LIFE,
            name=answer.profile.name,
            **in_mail(code),
        )
        return address

    def waiting_address(self, answer: Answer) -> str | None:
        """Where the code went that is to be typed now."""
        return self.codes.address(_key(answer))

    def check_code(self, answer: Answer, typed: str) -> Answer:
        """The answer with the address that the code proves; raises :class:`InvalidInput` (``"code"``)."""
        return self.answers.prove_email(answer, self.codes.take(_key(answer), typed))

    def join(self, answer: Answer, name: str, language: str, caller: Caller, *, typed_email: str = "") -> str:
        """Make the account of somebody who is new, linked with the identity; answers its id.

        ``typed_email`` counts, unverified, where no mail leaves that could prove one. Raises :class:`InvalidInput` for
        what cannot be used, :class:`AnswerGone` and :class:`IdentityTaken` for who comes twice.
        """
        self.answers.use(answer)
        email = answer.email or typed_email
        holder = person_at(self.db, answer.email) if answer.email else None
        if holder is not None:
            # Held, for its person may be proving the address in this very moment.
            holder = lock_person(self.db, holder.id) or holder
            if not self.displacements.may_displace(holder):
                raise InvalidInput(KEPT, "email")
            self.displacements.displace(holder, caller)
        user_id = self.accounts.register_without_password(
            email, name, language, caller, is_verified=bool(answer.email), picture=answer.profile.picture
        )
        self.identities.add(user_id, answer.profile, answer.tokens, caller, is_new=True)
        return user_id

    def link_proven(self, answer: Answer, user_id: str, caller: Caller) -> None:
        """Link the identity with the account whose person has just proven it.

        Raises :class:`InvalidInput` unless it is the one that has the answer's address.
        """
        arrival = self.decide(answer)
        if arrival.step is not Step.PROVE or arrival.holder is None or arrival.holder.id != user_id:
            raise InvalidInput(TAKEN, "email")
        self.answers.use(answer)
        self.identities.add(user_id, answer.profile, answer.tokens, caller)


def _key(answer: Answer) -> str:
    return f"answer:{answer.id}"
