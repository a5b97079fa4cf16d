"""mozilla-django-oidc in one file of Django, as the developers' page says."""

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
ROOT_URLCONF = __name__
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

# BLOCK mozilla-django-oidc

settings.configure(**{name: value for name, value in globals().items() if name.isupper()})
django.setup()


def home(request):
    if request.user.is_authenticated:
        return HttpResponse(f"<p>{request.user.email}</p>")
    return HttpResponse('<a href="/oidc/authenticate/">Log in</a>')


urlpatterns = [path("", home), path("oidc/", include("mozilla_django_oidc.urls"))]
application = get_wsgi_application()
call_command("migrate", verbosity=0)
make_server("localhost", int(os.environ["PORT"]), application).serve_forever()
