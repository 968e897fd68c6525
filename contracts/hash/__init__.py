"""Checks `hash.*`: the ledger's hash chain, and what tampering does to it."""
