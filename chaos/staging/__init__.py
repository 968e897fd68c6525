"""Drills on a backend that already runs, judged by what its API shows."""
