"""``flask --app wsgi …``: what operators do from a shell, one module per noun."""

from flask import Flask

from app.cli.clients import clients
from app.cli.configuration import config
from app.cli.keys import keys
from app.cli.mail import mail
from app.cli.seed import seed
from app.cli.sessions import sessions
from app.cli.tokens import tokens
from app.cli.users import users


def register(app: Flask) -> None:
    """Add the commands."""
    for command in (seed, users, clients, keys, sessions, tokens, mail, config):
        app.cli.add_command(command)
