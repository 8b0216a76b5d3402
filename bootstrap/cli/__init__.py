"""The command line `taxiway`."""

from bootstrap.cli.app import app, main

__all__ = ["app", "main"]
