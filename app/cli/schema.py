"""``db upgrade``, which says in one line what it did, or why there is nothing to do or nothing it can do."""

import copy
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

import click

from app.cli.outcome import told_in_one_line
from app.database import PortalDatabase
from app.database.schema import Fit
from app.wiring import services


class Migrations(click.Command):
    """Flask-Migrate's group, loaded when it is asked for: with Alembic it is eight megabytes of a worker."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Give way to the group."""
        from flask_migrate.cli import db  # noqa: PLC0415 see the class

        return told_in_one_line(_that_looks_first(db)).make_context(info_name, args, parent, **extra)


def _that_looks_first(database: click.Group) -> click.Group:
    """Flask-Migrate's group, with an ``upgrade`` that compares the schema with the code before it changes anything."""
    told = copy.copy(database)
    upgrade = copy.copy(database.commands["upgrade"])
    upgrade.callback = _looking_first(cast(Callable[..., object], upgrade.callback))
    told.commands = {**database.commands, "upgrade": upgrade}
    return told


def _looking_first(callback: Callable[..., object]) -> Callable[..., None]:
    @wraps(callback)
    def run(sql: bool, revision: str, **options: object) -> None:
        if sql or options.get("directory") or revision not in {"head", "heads"}:
            callback(sql=sql, revision=revision, **options)
            return
        fit = _looked()
        if not fit.needs_migration:
            if not fit.is_usable:
                raise click.ClickException(fit.sentence)
            click.echo(f"{fit.sentence} There is nothing to migrate.")
            return
        callback(sql=sql, revision=revision, **options)
        click.echo(f"Migrated. {services.db.schema_fit().sentence}")

    return run


db = Migrations("db", help="Perform database migrations.")


def _looked() -> Fit:
    """How old the schema is, found out by the role that owns it, if one is named; what it grants is granted again."""
    database, settings = cast(PortalDatabase, services.db), services.settings
    with database.as_owner(settings):
        fit = database.schema_fit()
        if fit.is_expected:
            database.grant_to_application(settings)
            database.commit()
        database.rollback()
    return fit
