"""Tenants that the backend makes by calls, or that are entered where it looks them up."""
