"""Permissions, roles, groups, who is where, and policies: commands that change one of these can be asked beforehand."""
