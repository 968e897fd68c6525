"""Running one interleaving on a real database: sessions, waits, and what the SQL returned."""
