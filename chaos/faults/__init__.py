"""One fault a file: an async context manager that injects, proves that it took hold, and heals."""
