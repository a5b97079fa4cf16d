"""Quotas of people for programs, and the notices of whoever is paid.

    GET  /api/v1/quota                what is left of a person's month
    POST /api/v1/quota/consume        take of it, once for an ``Idempotency-Key``
    POST /api/v1/quota/release        give back what was taken under a key
    POST /api/v1/billing/webhook      Lemon Squeezy's notices about subscriptions, where its secret is set

Whoever asks is a person's application or a service that names the person (:mod:`app.api.plans.asking`).
"""
