"""`python -m bootstrap` is `taxiway`."""

from bootstrap.system import signals


def main() -> None:
    """Carry out the command line; it ends with SystemExit. A signal is taken from here on, imports included."""
    signals.install()
    try:
        from bootstrap import cli

        cli.main()
    except signals.Stopped:
        signals.exit_interrupted()
    finally:
        signals.command_ended()


if __name__ == "__main__":
    main()
