"""Checks `instances.*`: several API instances answer as one."""
