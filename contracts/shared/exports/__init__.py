"""Exports: claimed directly, moved by hand, and the ZIP and manifest that they end as."""
