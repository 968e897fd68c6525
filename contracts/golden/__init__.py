"""Checks `golden.*`: one user's whole way from an upload to a verified download."""
