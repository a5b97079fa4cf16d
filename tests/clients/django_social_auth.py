"""social-auth-app-django, as the developers' page says."""

from django_project import *  # noqa: F403

# BLOCK social-auth

set_up(globals())
form = '<form method="post" action="/login/oidc/"><button>Log in</button></form>'
urlpatterns = paths("", ["social_django.urls", "social"], lambda request: form)
serve()
