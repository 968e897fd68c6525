"""What must hold: pure functions from a trace to the rules it broke."""
