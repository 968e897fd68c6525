"""Shakedown's engine: launches and controls systems, judges them, reports the verdict."""
