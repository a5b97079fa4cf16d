"""django-allauth, as the developers' page says."""

from django.middleware.csrf import get_token
from django_project import *  # noqa: F403

# BLOCK django-allauth

set_up(globals())
form = (
    '<form method="post" action="/accounts/oidc/max/login/"><input type="hidden" name="csrfmiddlewaretoken" '
    'value="{token}"><button>Log in</button></form>'
)
urlpatterns = paths("accounts/", ["allauth.urls"], lambda request: form.format(token=get_token(request)))
serve()
