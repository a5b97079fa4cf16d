"""``users``: accounts, and those who come from another system."""
