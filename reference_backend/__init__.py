"""The reference backend: it implements the whole contract that Shakedown checks."""
