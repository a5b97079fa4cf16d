"""PeopleRoom: accounts and what they log in with; ImportsRoom, BatchesRoom: those who come, or are seen to, as many."""

from datetime import timedelta
from functools import cached_property

from app.services.batches.batches import Batches
from app.services.batches.deeds import Deeds
from app.services.imports.imports import Imports
from app.services.people.accounts import Accounts
from app.services.people.activity import Activity
from app.services.people.administration import Administration
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
from app.services.people.standing import Standing
from app.wiring.photos import PhotosRoom


class PeopleRoom(PhotosRoom):
    """Builds the services of :mod:`app.services.people`."""

    @cached_property
    def passwords(self) -> Passwords:
        return Passwords(is_throwaway=self.settings.server.environment == "testing")

    @cached_property
    def devices(self) -> Devices:
        return Devices(self.db, self.clock, self.audit, self.mail, self.rate_limits, self.settings.issuer)

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
        )

    @cached_property
    def standing(self) -> Standing:
        return Standing(self.db, self.clock, self.tenancy, self.sessions, self.mail)

    @cached_property
    def administration(self) -> Administration:
        return Administration(
            self.db,
            self.clock,
            self.audit,
            self.administrators,
            self.credentials,
            self.profiles,
            self.photos,
            self.deletions,
            self.sessions,
            self.standing,
            self.roles,
            self.groups,
            self.standings,
            self.mail,
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
        return Profiles(self.db, self.clock, self.audit, self.photos, self.settings.issuer)

    @cached_property
    def activity(self) -> Activity:
        return Activity(self.db)

    @cached_property
    def exports(self) -> Exports:
        return Exports(self.db, self.clock, self.audit, self.photos, self.settings.issuer)

    @cached_property
    def deletions(self) -> Deletions:
        return Deletions(
            self.db,
            self.clock,
            self.audit,
            self.chain,
            self.administrators,
            self.sessions,
            self.revocations,
            self.photos,
            self.mail,
            timedelta(days=self.settings.accounts.deletion_days),
            f"{self.settings.issuer}/account/data",
        )


class ImportsRoom(PeopleRoom):
    """Builds the services of :mod:`app.services.imports`."""

    @cached_property
    def imports(self) -> Imports:
        return Imports(
            self.db,
            self.clock,
            self.audit,
            self.accounts,
            self.administration,
            self.standing,
            self.standings,
            self.plans,
            self.tenancy,
            self.administrators,
            self.one_time_tokens,
        )


class BatchesRoom(ImportsRoom):
    """Builds the services of :mod:`app.services.batches`."""

    @cached_property
    def deeds(self) -> Deeds:
        return Deeds(
            self.db,
            self.administrators,
            self.administration,
            self.sessions,
            self.password_resets,
            self.standing,
            self.plans,
            self.tenancy,
            self.mail,
        )

    @cached_property
    def batches(self) -> Batches:
        return Batches(
            self.db,
            self.clock,
            self.sealer,
            self.outbox,
            self.administrators,
            self.imports,
            self.deeds,
        )
