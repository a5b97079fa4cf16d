"""Keeping house: what a new portal is seeded with, and the removal of what is over."""
