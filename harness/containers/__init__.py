"""Backends and their database in containers of an engine on this machine."""
