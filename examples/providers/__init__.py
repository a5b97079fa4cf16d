"""Google, Kakao, Naver, Discord and an OpenID provider of one's own, on loopback: stand-ins that speak as they do.

``python -m examples.providers`` serves them with a page of switches; :class:`examples.providers.providers.Providers`
is the same inside a test. Nothing here knows the portal but by its address.
"""
