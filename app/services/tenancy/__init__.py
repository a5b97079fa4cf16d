"""Who may do what: permissions and where they are declared, roles that carry them, groups, who holds which role where.

A change of any of these is described first (``changes``), as what it touches; that is what a preview tells
(``effects``) and what is then written (``tenancy``), so that the two cannot differ. ``world`` is what questions are
asked of: the present, or what would be after a change.
"""
