"""Programs that show the portal with others; none of them is part of it."""
