"""Checks `idempotency.*`: one key, one record, however often and wherever a request is sent."""
