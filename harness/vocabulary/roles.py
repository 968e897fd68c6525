"""The roles of an organization's users."""

OWNER = "owner"
MEMBER = "member"
VIEWER = "viewer"

ROLES = (OWNER, MEMBER, VIEWER)
"""The one with the most rights first."""
