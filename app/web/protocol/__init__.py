"""What the edge knows of the protocol: where it answers, and how its refusals go on record."""
