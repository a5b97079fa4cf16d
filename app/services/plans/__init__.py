"""Plans, overrides, monthly quotas and what pays for them: which plan counts for whom and when, and what is left of it.

:mod:`app.services.plans.effective` says which plan counts, and all ask it: claims, quotas, pages, lists, commands.
"""
