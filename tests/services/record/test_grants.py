"""On PostgreSQL the portal is a role that cannot change what is on record, if another one owns the tables."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.services.foundation.environment import Caller
from app.services.record.audit import Event
from tests.clock import Clock
from tests.relying_party import add_person

MakeApp = Callable[..., Flask]


def test_the_portal_does_without_the_right_to_change_what_is_sealed(
    make_app: MakeApp, open_database: Callable[..., str], clock: Clock
) -> None:
    """With just what the migration grants it seals, signs, erases, exports and removes what is old."""
    app = make_app(open_database("postgresql", "empty"), AUDIT_RETENTION_DAYS="30")
    # Nothing is to be migrated, and what the settings ask for is granted all the same.
    assert "nothing to migrate" in app.test_cli_runner().invoke(args=["db", "upgrade"]).output
    assert app.test_cli_runner().invoke(args=["seed"]).exit_code == 0
    person = add_person(app)
    with app.app_context():
        services = app.extensions["services"]
        services.audit.record(Event.LOGIN_SUCCEEDED, Caller("203.0.113.9"), user_id=person)
        services.trail.prepare()
        services.deletions.delete(person, Caller(actor="operator"))
        clock.advance(days=31)
        assert services.retention.run(pause=0) > 0
        services.checkpoints.rotate(Caller(actor="operator"))
        services.db.commit()
        services.trail.prepare()
        assert services.trail.verify()[0].findings == []
        services.db.rollback()
        refuses(
            services.db,
            "UPDATE oauth_audit_logs SET success = true",
            "UPDATE oauth_audit_logs SET action = 'x'",
            "UPDATE oauth_audit_logs SET user_id = NULL",
            "UPDATE audit_seals SET hash = 'x'",
            "UPDATE audit_checkpoints SET hash = 'x'",
            "DELETE FROM audit_checkpoints",
            "DELETE FROM audit_chain",
            "UPDATE alembic_version SET version_num = '0001'",
            "ALTER TABLE users DISABLE ROW LEVEL SECURITY",
            "CREATE TABLE more (id integer)",
        )


def test_records_stay_where_nobody_asked_for_their_removal(make_app: MakeApp, postgresql_url: str) -> None:
    app = make_app(postgresql_url)
    with app.app_context():
        refuses(app.extensions["services"].db, "DELETE FROM oauth_audit_logs", "DELETE FROM audit_seals")


def refuses(db: Any, *changes: str) -> None:
    """That none of them is in the role's power."""
    for change in changes:
        with pytest.raises(sa.exc.DBAPIError, match=r"permission denied|must be owner"):
            db.session.execute(sa.text(change))
        db.rollback()
