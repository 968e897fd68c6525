"""One idea a file; a behaviour is a function that answers one request."""
