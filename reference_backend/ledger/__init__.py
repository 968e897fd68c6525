"""The ledger in Python: the same bytes and hashes as in the database, and their verification."""
