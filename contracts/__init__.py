"""Checks of single answers and of what the database holds.

`openapi.yaml` is the machine-readable form of the contract.
"""
