"""Single sign-on sessions: rows that are the truth, their copies in Redis, and the end of all of a person's at once."""
