"""Identities at outside providers: browsers on their way there, what they come back with, whose account that is, links
and their ends; and codes in mails, by which whoever has no password proves to be there."""
