"""How one value is read: placeholders, hosts, what people paste, libpq's variables."""
