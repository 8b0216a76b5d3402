"""Errors, one class for each exit code. The message says what is wrong and where, the hint what to do next."""

from collections.abc import Callable, Iterable
from typing import TypeVar

_Value = TypeVar("_Value")


class TaxiwayError(Exception):
    """A mistake that the user can act on. Anything else that is raised is a defect of taxiway."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotEditable(ValueError):
    """The text has no such place, or can't be changed there without touching other bytes."""


class BadOption(TaxiwayError):
    """An option's value can't be used."""

    exit_code = 2


class BadSecret(TaxiwayError):
    """A secret's value, or the document that holds it, can't be used. The message never holds the value."""

    exit_code = 3


class BadCertificate(TaxiwayError):
    """A sealing certificate or sealing key can't be used."""

    exit_code = 4


class BadTarget(TaxiwayError):
    """The folder or Git repository is not in a state to be written to."""

    exit_code = 5


class MissingTool(TaxiwayError):
    """A program that taxiway drives is missing or too old."""

    exit_code = 6


class BuildFailed(TaxiwayError):
    """Kustomize refused an overlay."""

    exit_code = 7


class GitFailed(TaxiwayError):
    """Git, or a hook that it ran, refused."""

    exit_code = 8


class DiskFailed(TaxiwayError):
    """The operating system refused a read or a write."""

    exit_code = 9


class ForgeFailed(TaxiwayError):
    """The forge refused, or could not be reached, or there is no token for it. No message ever holds a token."""

    exit_code = 10


class ClusterFailed(TaxiwayError):
    """The cluster did not answer."""

    exit_code = 11


class Defect(TaxiwayError):
    """A bug in taxiway: an exception that is no TaxiwayError."""

    exit_code = 70  # EX_SOFTWARE, as sysexits.h has it


class Interrupted(TaxiwayError):
    """The command was ended by SIGINT or SIGTERM."""

    def __init__(self, message: str, *, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class MultipleErrors(TaxiwayError):
    """Several errors reported together, with the exit code of the first one."""

    def __init__(self, errors: tuple[TaxiwayError, ...]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors
        self.exit_code = errors[0].exit_code


def raise_all(errors: Iterable[TaxiwayError]) -> None:
    """Raise a single error as it is, several as MultipleErrors, and nothing where there is none."""
    collected = tuple(errors)
    if len(collected) == 1:
        raise collected[0]
    if collected:
        raise MultipleErrors(collected)


def attempt(errors: list[TaxiwayError], step: Callable[[], _Value], default: _Value) -> _Value:
    """Return the step's value. Where it raises TaxiwayError, add that to `errors` and return `default`."""
    try:
        return step()
    except MultipleErrors as err:
        errors.extend(err.errors)
    except TaxiwayError as err:
        errors.append(err)
    return default
