"""Exports whose workers have died: what gives them back, and what keeps failing."""
