"""The words of the contract that the whole harness uses: states, roles, events, resources."""
