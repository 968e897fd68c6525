"""TOML read with the line of every key, and mistakes reported with their line."""
