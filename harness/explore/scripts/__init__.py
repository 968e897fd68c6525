"""What workers do, and in which orders: scripts, scenarios, schedules, shorter ones."""
