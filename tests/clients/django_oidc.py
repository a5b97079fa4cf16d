"""mozilla-django-oidc, as the developers' page says."""

from django_project import *  # noqa: F403

# BLOCK mozilla-django-oidc

set_up(globals())
link = '<a href="/oidc/authenticate/">Log in</a>'
urlpatterns = paths("oidc/", ["mozilla_django_oidc.urls"], lambda request: link)
serve()
