"""Client applications and the scopes they may ask for."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Identified, Json


class Client(Base):
    """A registered client application; secrets are kept as SHA-256 only, for they are random.

    ``secret_hash`` is the newest of its secrets, which code from before :class:`ClientSecret` reads and writes alone.
    """

    __tablename__ = "clients"

    client_id: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    description: Mapped[str] = mapped_column(default="")
    logo_uri: Mapped[str | None]
    home_uri: Mapped[str | None]
    policy_uri: Mapped[str | None]
    tos_uri: Mapped[str | None]
    contacts: Mapped[list[str]] = mapped_column(Json, default=list)
    is_active: Mapped[bool] = mapped_column(default=True)
    is_confidential: Mapped[bool] = mapped_column(default=False)
    auth_method: Mapped[str] = mapped_column(sa.String(40), default="none")
    secret_hash: Mapped[str | None] = mapped_column(sa.String(64))
    # A JSON Web Key Set of public keys as text, or where the client publishes one: never both.
    jwks: Mapped[str | None]
    jwks_uri: Mapped[str | None]
    redirect_uris: Mapped[list[str]] = mapped_column(Json, default=list)
    post_logout_redirect_uris: Mapped[list[str]] = mapped_column(Json, default=list)
    backchannel_logout_uri: Mapped[str | None]
    allowed_scopes: Mapped[list[str]] = mapped_column(Json, default=list)
    optional_scopes: Mapped[list[str]] = mapped_column(Json, default=list)
    grant_types: Mapped[list[str]] = mapped_column(Json, default=list)
    consent_policy: Mapped[str] = mapped_column(sa.String(20), default="once")
    require_pkce: Mapped[bool] = mapped_column(default=True)
    id_token_signed_response_alg: Mapped[str] = mapped_column(sa.String(10), default="RS256")
    lean_id_token: Mapped[bool] = mapped_column(default=False)
    access_token_seconds: Mapped[int | None]
    refresh_token_seconds: Mapped[int | None]
    can_introspect_any: Mapped[bool] = mapped_column(default=False)
    is_listed: Mapped[bool] = mapped_column(default=False)
    # Whoever meets an error page of it may see what is registered.
    in_development: Mapped[bool] = mapped_column(default=False)
    # Service tokens carry it; it is another one once the client was stopped or registered anew.
    generation: Mapped[str] = mapped_column(sa.String(12), default="")
    owner_id: Mapped[str | None] = mapped_column(sa.ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ClientSecret(Identified, Base):
    """One of the secrets of a client: the newest, or the one before it while both count."""

    __tablename__ = "client_secrets"

    client_id: Mapped[str] = mapped_column(sa.ForeignKey("clients.client_id", ondelete="CASCADE"), index=True)
    secret_hash: Mapped[str] = mapped_column(sa.String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)


class UsedAssertion(Base):
    """An assertion by which a client proved itself (:rfc:`7523`), so that nobody does so by it again."""

    __tablename__ = "used_assertions"

    assertion_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Scope(Base):
    """A scope with the sentence the consent page shows in each language."""

    __tablename__ = "scopes"

    name: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    sentence_en: Mapped[str]
    sentence_ko: Mapped[str]
    is_service: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=0)
