"""Requests with an Idempotency-Key, and requests that stay in flight."""
