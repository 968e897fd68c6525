"""What several families of checks use; no family, and no check, is imported here."""
