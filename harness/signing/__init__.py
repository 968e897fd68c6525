"""Key pairs that sign tokens: made, read, and shown as a set of public keys (RFC 7517)."""
