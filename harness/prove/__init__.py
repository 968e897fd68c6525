"""The bug zoo against the gate: proves that each check fails on a backend that has the bug."""
