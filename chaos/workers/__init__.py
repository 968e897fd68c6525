"""Workers held with an export in progress, by a failpoint or from outside."""
