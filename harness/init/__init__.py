"""`shakedown init`: a first target file from what can be seen of a backend."""
