"""What every room stands on: database, clock, statements, sealing, agreement, cursors, limits, networks, a person."""
