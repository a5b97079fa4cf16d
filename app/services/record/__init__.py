"""What goes on record: the audit trail."""
