"""How far a check can look at a target, and how long it takes there: known before it runs."""
