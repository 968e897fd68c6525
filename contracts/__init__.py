"""Checks of single answers and of what the database holds; `openapi.yaml` is the contract's machine-readable form."""
