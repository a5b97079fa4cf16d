"""What those who run the portal see across all people and applications: lists and figures. Nothing is changed here."""
