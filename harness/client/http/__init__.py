"""Requests over HTTP: connections, bounds, redirects, and servers that ask to come back later."""
