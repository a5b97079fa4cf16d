"""Programs that measure the portal. They start everything themselves, stay on loopback and end by themselves."""
