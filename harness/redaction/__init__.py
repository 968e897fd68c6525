"""Secrets never reach a report: every output goes through here first."""
