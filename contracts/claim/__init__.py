"""Checks `claim.*`: how workers take exports from the queue."""
