"""What every room stands on: database and clock, statements, sealing, cursors, limits, networks, a person."""
