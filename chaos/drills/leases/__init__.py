"""Heartbeats that others see, and leases that are lost in mid-work."""
