"""Checks `manifest.*`: the manifest of an export, stored and submitted."""
