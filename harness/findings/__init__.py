"""What checks find: findings, the rules they break, the requests that show it."""
