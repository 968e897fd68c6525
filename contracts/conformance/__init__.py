"""Checks `contract.*`: the API against its OpenAPI document and the contract's conventions."""
