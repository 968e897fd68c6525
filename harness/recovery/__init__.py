"""Undoing what a run made, at its end or after its harness was killed."""
