"""The tokens of users: minted, given, printed by a command, and had again before they run out."""
