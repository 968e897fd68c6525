"""An exploration as text and as JSON."""
