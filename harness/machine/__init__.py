"""Processes, ports, directories and the undo journal: what a run makes on this machine."""
