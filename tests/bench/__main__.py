"""`python -m tests.bench [WORD...]`: measure all, or what a word names, and print one table. It always ends with 0."""

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from bootstrap import __version__
from bootstrap.core.errors import TaxiwayError
from tests.bench import fleet, init, moves, sealing, start, table
from tests.bench.programs import Failed, Home
from tests.bench.table import NotMeasured, Section

_PARTS = {
    "sealing one value": sealing.one_value,
    "sealing a hundred values": sealing.many_values,
    "init": init.wall_and_cpu,
    "help": start.help_text,
    "memory": init.memory,
    "validate of a thousand environments": fleet.thousand,
    "validate for the first time": fleet.first,
    "diff of one environment": fleet.one,
    "memory of validate": fleet.memory,
    "promote": moves.promote,
    "env add": moves.add,
    "set": moves.change,
}


def main() -> None:
    """Measure and print; progress goes to stderr."""
    began = time.monotonic()
    load = os.getloadavg()[0]
    sections = []
    with tempfile.TemporaryDirectory(prefix="taxiway-bench-") as folder:
        home = Home.create(Path(folder))
        for name, measure in _chosen().items():
            print(f"{time.monotonic() - began:5.0f} s  {name}", file=sys.stderr, flush=True)
            sections.append(_section(name, measure, home))
    packages = ", ".join(f"{name} {version(name)}" for name in ("typer", "cryptography"))
    print(f"taxiway {__version__}, Python {platform.python_version()}, {packages}, {os.cpu_count()} cores,", end=" ")
    print(f"load {load:.1f} at the start and {os.getloadavg()[0]:.1f} at the end; {time.monotonic() - began:.0f} s")
    print(
        "Medians (min-max) of runs in turns, A B A B ... The ratio says how many times as much as taxiway the other way"
    )
    print("takes; it is the median over the pairs of neighbouring runs, and so is every difference.\n")
    print(table.render(sections))


def _chosen() -> dict[str, Callable[[Home], Section]]:
    """The parts whose names hold one of the words of the command line; all without any."""
    words = sys.argv[1:]
    return {name: part for name, part in _PARTS.items() if not words or any(word in name for word in words)}


def _section(name: str, measure: Callable[[Home], Section], home: Home) -> Section:
    """A part's figures, or why this machine can't give them."""
    try:
        return measure(home)
    except (Failed, TaxiwayError) as err:
        return Section(title=name, rows=(NotMeasured(figure="all", instead="", bound="every target", reason=str(err)),))


if __name__ == "__main__":
    main()
