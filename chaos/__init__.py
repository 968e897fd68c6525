"""Faults, and the drills that judge how a system recovers from them."""
