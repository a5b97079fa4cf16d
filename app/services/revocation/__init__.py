"""What ends before its time: tokens and families, by whatever cause, and the denylist backends can read."""
