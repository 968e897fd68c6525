"""`python -m harness` is `shakedown`."""

from harness.cli import main

if __name__ == "__main__":
    main()
