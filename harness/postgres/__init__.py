"""Embedded PostgreSQL 18: its binaries come from a package, everything else is done here."""
