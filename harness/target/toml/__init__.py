"""TOML read with the line of every key, and mistakes told by their line."""
