"""The ledger's hash chain, computed independently of the backend."""
