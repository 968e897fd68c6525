"""Drills: workers are harmed, and the system is judged by what it did about it."""
