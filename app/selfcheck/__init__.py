"""The self-check: the running portal is attacked by itself, and says what held, what did not, and what was not tried.

Owns no routes: a command runs it, and whoever shows it elsewhere calls :func:`app.selfcheck.run.run`. What is probed
over HTTP is asked like anybody asks, by a person and applications that are made for one run and removed afterwards
(:mod:`app.services.upkeep.throwaways`); nothing in the portal knows them from others. What cannot be seen from outside
is read from the settings and the database. May use services, settings and languages; knows no Flask.
"""
