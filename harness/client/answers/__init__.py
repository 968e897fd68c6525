"""What a backend answered: its objects, lists to their end, and events in their order."""
