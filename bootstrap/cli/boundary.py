"""The one place that turns errors into sentences and exit codes."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator

import typer

from bootstrap import report
from bootstrap.errors import Defect, DiskFailed, Interrupted, TaxiwayError
from bootstrap.report import Output

_PIPE_CLOSED = 141  # 128 and SIGPIPE, as shells have it
DIRECTORY = typer.Option("--directory", "-C", metavar="FOLDER", help="The environment repo, or a folder in it.")


@contextlib.contextmanager
def boundary(output: Output) -> Iterator[None]:
    """End with a sentence and an exit code, where the `with` raises."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # taken back like Ctrl-C
    try:
        yield
    except TaxiwayError as err:
        failure = err
    except BrokenPipeError:  # the reader has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(_PIPE_CLOSED) from None
    except OSError as err:
        failure = DiskFailed(f"{err.filename or 'the disk'}: {err.strerror}")
    except (KeyboardInterrupt, typer.Abort):
        failure = Interrupted("interrupted; nothing was changed")
    except Exception as err:  # Python's own traceback would send text of the repo as it is
        report.trace(err)
        failure = Defect(f"this is a defect of taxiway: {type(err).__name__}", hint="report it, with the lines above")
    else:
        return
    report.fail(failure, output)
    raise typer.Exit(failure.exit_code)
