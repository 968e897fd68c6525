"""The reference backend: minimal in style, and the whole contract that Shakedown checks."""
