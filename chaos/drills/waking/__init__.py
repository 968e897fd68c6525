"""What wakes an idle worker up, and how soon."""
