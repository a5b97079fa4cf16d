"""What an application may do for a person: the request in flight, codes, consents, refresh tokens, and their use.

``interactions`` holds the state machine of the flow; ``authorization_codes`` and ``refresh_tokens`` spend what can be
spent once; ``bearer`` judges what is presented; ``first_party`` issues to the platform's own front ends.
"""
