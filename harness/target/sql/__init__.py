"""SQL in a backend's own names, made of what its target file declares."""
