"""``flask --app wsgi …``: what operators do from a shell, one module per noun."""

from flask import Flask

from app.cli.audit import audit
from app.cli.clients import clients, scopes
from app.cli.configuration import config
from app.cli.identities import identities
from app.cli.keys import keys
from app.cli.mail import mail
from app.cli.metrics import metrics
from app.cli.outcome import told_in_one_line
from app.cli.plans import plans
from app.cli.schema import db
from app.cli.seed import seed
from app.cli.selfcheck import selfcheck
from app.cli.sessions import sessions
from app.cli.tenancy.groups import groups
from app.cli.tenancy.members import users
from app.cli.tenancy.policies import policies
from app.cli.tenancy.roles import permissions, roles
from app.cli.tokens import tokens
from app.cli.trace import trace


def register(app: Flask) -> None:
    """Add the commands; what extensions have added is wrapped as ours are."""
    for command in (
        *app.cli.commands.values(),
        db,
        seed,
        users,
        permissions,
        roles,
        groups,
        policies,
        identities,
        plans,
        clients,
        scopes,
        keys,
        sessions,
        tokens,
        audit,
        trace,
        mail,
        config,
        metrics,
        selfcheck,
    ):
        app.cli.add_command(told_in_one_line(command))
