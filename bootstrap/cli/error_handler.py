"""The one place that turns errors into sentences and exit codes."""

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
    """End with a sentence and an exit code, where the `with` raises."""
    signals.command_started()
    failure: TaxiwayError
    try:
        yield
        return
    except TaxiwayError as err:
        failure = err
    except BrokenPipeError:  # the reader has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(_PIPE_CLOSED) from None
    except OSError as err:
        failure = DiskFailed(f"{err.filename or 'the disk'}: {err.strerror}")
    except (KeyboardInterrupt, typer.Abort, signals.Stopped):
        failure = Interrupted(signals.message(), exit_code=signals.exit_code())
    except Exception as err:
        if not signals.stopped():  # Python's own traceback would send text of the repo as it is
            console.trace(err)
        hint = "report it, with the lines above"
        failure = Defect(f"this is a defect of taxiway: {type(err).__name__}", hint=hint)
    if signals.stopped():  # whatever came of it on the way out
        failure = Interrupted(signals.message(), exit_code=signals.exit_code())
        signals.command_ended()
    console.fail(failure, output)
    raise typer.Exit(failure.exit_code)
