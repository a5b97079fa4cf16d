"""What an administrator who acts as somebody may do: one list at one door (``door``), and the banner of every page."""
