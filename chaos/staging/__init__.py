"""Drills on a backend that somebody else runs, judged by what its API shows."""
