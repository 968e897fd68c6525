"""The manifest of an export: what it lists, how it is serialised, and how it is verified."""
