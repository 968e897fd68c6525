"""`shakedown doctor`: the way of a first run, with the lines to write where it fails."""
