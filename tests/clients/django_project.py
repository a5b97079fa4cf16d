"""What the applications of Django share: the settings of a small project without the library, and how it is served."""

import os
import secrets
from wsgiref.simple_server import make_server

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import include, path

SECRET_KEY = secrets.token_hex()
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "__main__"
USE_TZ = True
LOGIN_REDIRECT_URL = "/"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "file:one?mode=memory&cache=shared"}}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def set_up(names):
    """Take an application's settings: those of its names that are in capitals."""
    settings.configure(**{name: value for name, value in names.items() if name.isupper()})
    django.setup()


def paths(prefix, urls, invitation):
    """A page that says who is there, or shows ``invitation``, which is made of the request; and the library's paths."""

    def home(request):
        user = request.user
        return HttpResponse(f"<p>{user.email}</p>" if user.is_authenticated else invitation(request))

    return [path("", home), path(prefix, include(*urls))]


def serve():
    """Serve the application until it is ended."""
    application = get_wsgi_application()
    call_command("migrate", verbosity=0)
    make_server("localhost", int(os.environ["PORT"]), application).serve_forever()
