"""Writes that are cut in their middle: whether the answer and what is stored agree."""
