"""What the simulated users of a load test send, and how they read the answers."""
