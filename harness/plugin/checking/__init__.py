"""One check: it runs within its deadline, with the mark and the patience of its run."""
