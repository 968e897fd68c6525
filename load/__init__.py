"""Locust users, and the checks of a system under load."""
