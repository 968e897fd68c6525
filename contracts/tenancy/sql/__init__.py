"""Tenant isolation in the database, asked in the SQL roles of the API."""
