"""`python -m bootstrap` is `taxiway`."""

from bootstrap.cli import main

if __name__ == "__main__":
    main()
