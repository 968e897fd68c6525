"""`python -m harness` is `shakedown`."""

from shakedown_command import main

if __name__ == "__main__":
    main()
