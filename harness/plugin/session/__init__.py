"""One whole run, a session of pytest: its system, its processes, its signals and errors."""
