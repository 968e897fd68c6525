"""What is known and accepted: findings and gaps that do not count today, and may only get fewer."""
