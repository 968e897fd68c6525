"""`[tokens]`: where the tokens of users come from."""
