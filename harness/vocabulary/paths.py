"""What a path of the API may have in it that no operation of the contract has."""

ORGANIZATION_PARAMETER = "organization"
"""The name of the parameter for the organization that asks, in the paths of a target file."""

ORGANIZATION = "{" + ORGANIZATION_PARAMETER + "}"
"""It stays in a path until the request is sent, whose token says which organization it is."""
