"""`[contract]`: a backend's own names, constants and envelopes, and what it does not have."""
