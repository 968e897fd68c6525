"""The reference backend: a minimal, complete implementation of the contract that Shakedown checks."""
