"""The WSGI entry point: ``gunicorn -c gunicorn.conf.py wsgi:app``."""

import gc

# What is loaded stays. Looking through it again and again while it comes takes a seventh of the time of a start.
gc.disable()

from app import create_app  # noqa: E402

app = create_app()
gc.enable()
