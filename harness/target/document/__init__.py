"""The OpenAPI document of a target: its files read as one, and matched to the contract's."""
