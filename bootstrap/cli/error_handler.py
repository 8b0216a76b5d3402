"""Error handler: maps exceptions to messages and exit codes."""

import contextlib
import os
import sys
from collections.abc import Iterator

import typer

from bootstrap.cli import console
from bootstrap.cli.console import Output
from bootstrap.core.errors import Defect, DiskFailed, Interrupted, TaxiwayError
from bootstrap.system import signals

_PIPE_CLOSED = 141  # 128 and SIGPIPE, as shells have it


@contextlib.contextmanager
def error_handler(output: Output) -> Iterator[None]:
    """Print an exception of the `with` body and raise typer.Exit with its exit code."""
    signals.command_started()
    failure: TaxiwayError
    try:
        yield
        return
    except TaxiwayError as err:
        failure = err
    except BrokenPipeError:  # the reader closed the pipe, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(_PIPE_CLOSED) from None
    except OSError as err:
        failure = DiskFailed(f"{err.filename or 'the disk'}: {err.strerror}")
    except (KeyboardInterrupt, typer.Abort, signals.Stopped):
        failure = Interrupted(signals.message(), exit_code=signals.exit_code())
    except Exception as err:
        if not signals.stopped():  # not by Python itself, which would print text of the repo unescaped
            console.trace(err)
        hint = "report it, with the lines above"
        failure = Defect(f"this is a defect of taxiway: {type(err).__name__}", hint=hint)
    if signals.stopped():  # an error after a signal is a consequence of it
        failure = Interrupted(signals.message(), exit_code=signals.exit_code())
        signals.command_ended()
    console.fail(failure, output)
    raise typer.Exit(failure.exit_code)
