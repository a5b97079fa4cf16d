"""``db upgrade``, which says in one line what it did, or why there is nothing to do or nothing it can do."""

import copy
from collections.abc import Callable
from functools import wraps
from typing import cast

import click

from app.database import PortalDatabase
from app.database.schema import Fit
from app.wiring import services


def that_looks_first(database: click.Group) -> click.Group:
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
