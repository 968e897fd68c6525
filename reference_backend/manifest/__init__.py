"""The manifest of an export: what it lists, how it is serialized, and how it is verified."""
