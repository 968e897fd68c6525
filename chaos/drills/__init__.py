"""Drills: what a drill is, its runner, and what drills on workers share."""
