"""One fault a file; `fault.py` has the shape of all and injects, proves and heals them."""
