"""A protocol file: the SQL of each step, checked and filled in."""
