"""What the tables of a target file must not say together, one module a subject."""
