"""What checks raised, as findings, and whose finding an unmet precondition is."""
