"""Applications: their registration, their redirect URIs, and the scopes there are."""
