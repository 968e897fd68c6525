"""Checks `upload.*`: what is accepted as evidence, what is refused, and what a refusal leaves."""
