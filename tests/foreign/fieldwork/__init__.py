"""Field documentation for insurers: a backend on Flask and PostgreSQL, as on a hosted platform.

Written from what such a product needs, in words of its own; DIALECT.md has them.
"""
