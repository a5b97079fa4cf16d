"""``flask --app wsgi …``: what operators do from a shell, one module per noun."""

from flask import Flask

from app.cli.clients import clients
from app.cli.configuration import config
from app.cli.keys import keys
from app.cli.mail import mail
from app.cli.outcome import told_in_one_line
from app.cli.seed import seed
from app.cli.sessions import sessions
from app.cli.tokens import tokens
from app.cli.users import users


def register(app: Flask) -> None:
    """Add the commands; those of Flask-Migrate are there already."""
    for command in (*app.cli.commands.values(), seed, users, clients, keys, sessions, tokens, mail, config):
        app.cli.add_command(told_in_one_line(command))
