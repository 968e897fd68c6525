"""Reporters: each consumes the events of a run and writes one thing. A new report is a new file."""
