"""Identity providers: which there are, what is missing of the others, how each fares, and trying one out."""

from app.admin.providers.providers import providers_desk

DESKS = (providers_desk,)
