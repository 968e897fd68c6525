"""One TCP proxy between the parts of a system, and what it can do to connections."""
