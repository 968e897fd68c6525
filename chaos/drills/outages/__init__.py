"""What drills need that take the database away from a part of the system, or all its places."""
