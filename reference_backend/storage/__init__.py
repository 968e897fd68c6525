"""Where objects (evidence files, export archives) are kept."""
