"""Exports of a drill: queued before the fault, and their final state after it."""
