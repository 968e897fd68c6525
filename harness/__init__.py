"""Launching and controlling systems, judging them, and reporting the verdict: Shakedown's engine."""
