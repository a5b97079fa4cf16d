"""The consent step: shows what a client asks for and records the answer.

    GET  /consent?interaction=…   the page
    POST /consent?interaction=…   allow or deny, then back to ``oauth.resume``

The stored request decides what is allowed; nothing of it is read from the form.
"""

from flask import Flask

from app.consent.routes import bp


def register(app: Flask) -> None:
    """Mount the page."""
    app.register_blueprint(bp)
