"""Reading bytes that a backend sent: bounded, strict, and made safe to print."""
