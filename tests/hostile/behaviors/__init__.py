"""One idea a file; a behavior is a function that answers one request."""
