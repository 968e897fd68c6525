"""Embedded PostgreSQL: its programs come from a package, or from an installation."""
