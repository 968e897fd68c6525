"""Which checks there are, and which of them a run was asked for."""
