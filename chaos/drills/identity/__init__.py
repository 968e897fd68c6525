"""Workers of one name, and one worker that claims an export for a second time."""
