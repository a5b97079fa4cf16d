"""mozilla-django-oidc in one file of Django, set up as its documentation says, plus OIDC_USE_PKCE."""

import secrets
import sys
from wsgiref.simple_server import make_server

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import include, path, reverse

issuer, client_id, client_secret, port = sys.argv[1:]
settings.configure(
    SECRET_KEY=secrets.token_hex(),
    ALLOWED_HOSTS=["localhost"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"file:{client_id}?mode=memory&cache=shared"}},
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "mozilla_django_oidc",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    AUTHENTICATION_BACKENDS=["mozilla_django_oidc.auth.OIDCAuthenticationBackend"],
    LOGIN_REDIRECT_URL="/",
    OIDC_RP_CLIENT_ID=client_id,
    OIDC_RP_CLIENT_SECRET=client_secret,
    OIDC_RP_SIGN_ALGO="RS256",
    OIDC_RP_SCOPES="openid profile email",
    OIDC_USE_PKCE=True,
    OIDC_OP_AUTHORIZATION_ENDPOINT=f"{issuer}/api/oauth/authorize",
    OIDC_OP_TOKEN_ENDPOINT=f"{issuer}/api/oauth/token",
    OIDC_OP_USER_ENDPOINT=f"{issuer}/api/oauth/userinfo",
    OIDC_OP_JWKS_ENDPOINT=f"{issuer}/.well-known/jwks.json",
)
django.setup()


def home(request):
    if request.user.is_authenticated:
        return HttpResponse(f"<p>{request.user.email}</p>")
    return HttpResponse(f'<a href="{reverse("oidc_authentication_init")}">Log in</a>')


urlpatterns = [path("", home), path("oidc/", include("mozilla_django_oidc.urls"))]
application = get_wsgi_application()
call_command("migrate", verbosity=0)
make_server("localhost", int(port), application).serve_forever()
