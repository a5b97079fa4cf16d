"""People: accounts, profiles, passwords, addresses, links in mails, devices, exports, the end of an account.

Guesses are counted by ``attempts``; whatever sets a password goes through ``credentials``, which ends what the old one
opened; ``activity`` and ``exports`` tell people what is known about them.
"""
