"""The ledger in Python: the same bytes and hashes as the database, and the walk along a chain."""
