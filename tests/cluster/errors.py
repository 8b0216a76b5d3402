"""The errors of the cluster harness, each with the exit code that it ends a command with."""

from typing import ClassVar


class ClusterError(Exception):
    """Says what went wrong and, where there is something to do about it, what to do next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class NotOnThisMachine(ClusterError):
    """This machine can't run the cluster at all: never a pass and never a failed test, so it has its own code."""

    exit_code = 3


class CommandFailed(ClusterError):
    """A program that the harness ran ended with an error; the message ends with what the program said."""


class TookTooLong(ClusterError):
    """Something did not come about in its time; the message ends with the last state that was seen."""
