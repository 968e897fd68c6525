"""The manifest of an export: its contents, serialization and verification."""
