"""Tokens as such: signing keys, what is said about a person, and how it is signed and read."""
