"""On PostgreSQL the portal may be a role that cannot change what is on record."""

from collections.abc import Callable
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from app.services.foundation.environment import Caller
from app.services.record.audit import Event
from tests.clock import Clock
from tests.relying_party import add_person
from tests.servers import PROJECT_ROOT

MakeApp = Callable[..., Flask]


def test_the_portal_does_without_the_right_to_change_what_is_sealed(
    make_app: MakeApp, postgresql_url: str, clock: Clock
) -> None:
    """With just the grants that docs/audit.md names it seals, signs, erases, exports and removes what is old."""
    role = f"portal_{uuid4().hex}"
    text = (PROJECT_ROOT / "docs/audit.md").read_text()
    grants = text.split("```sql\n")[1].split("```")[0].replace("TO portal", f"TO {role}")
    owner = sa.create_engine(sa.make_url(postgresql_url).set(drivername="postgresql+psycopg"))
    with owner.begin() as connection:
        connection.execute(sa.text(f"CREATE ROLE {role} LOGIN"))
        connection.execute(sa.text(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"))
        names = "oauth_audit_logs, audit_seals, audit_chain, audit_checkpoints, audit_keys"
        connection.execute(sa.text(f"REVOKE ALL ON {names} FROM {role}"))
        for grant in grants.split(";\n"):
            connection.execute(sa.text(grant)) if grant.strip() else None
    try:
        url = sa.make_url(postgresql_url).set(username=role)
        app = make_app(url.render_as_string(hide_password=False), AUDIT_RETENTION_DAYS="30")
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
            for change in (
                "UPDATE oauth_audit_logs SET success = true",
                "UPDATE oauth_audit_logs SET action = 'x'",
                "UPDATE audit_seals SET hash = 'x'",
                "UPDATE audit_checkpoints SET hash = 'x'",
                "DELETE FROM audit_checkpoints",
            ):
                with pytest.raises(sa.exc.DBAPIError, match="permission denied"):
                    services.db.session.execute(sa.text(change))
                services.db.rollback()
            services.db.engine.dispose()
    finally:
        with owner.begin() as connection:
            connection.execute(sa.text(f"DROP OWNED BY {role}"))
            connection.execute(sa.text(f"DROP ROLE {role}"))
        owner.dispose()
