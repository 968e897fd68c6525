"""The catalog of a backend's database, and the rules for tenants in it."""
