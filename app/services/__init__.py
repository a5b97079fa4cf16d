"""The rules of the portal, one noun per file. No Flask, no Authlib, no request: callers pass in what they know.

Services flush and raise refusals (``app.errors``); the edge commits once per request. The few places that
commit by themselves say so and why.
"""
