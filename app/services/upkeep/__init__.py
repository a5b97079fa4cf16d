"""Keeping house: what a new portal is seeded with, the removal of what is over, and sealing anew with a new key."""
