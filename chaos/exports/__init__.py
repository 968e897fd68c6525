"""Exports of a drill: the backlog, their final state, and how both are seen."""
