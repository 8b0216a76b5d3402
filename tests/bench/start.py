"""How soon `--help` is there, beside the smallest program that the same typer can make."""

from functools import partial

from tests.bench.programs import PYTHON, TAXIWAY, Home
from tests.bench.samples import Samples, in_turns
from tests.bench.table import Row, Section, above

_HELLO = '''import typer


def main(name: str) -> None:
    """Say hello."""
    print(f"Hello {name}")


if __name__ == "__main__":
    typer.run(main)
'''


def help_text(home: Home) -> Section:
    """Both help texts, in wall and in CPU time."""
    hello = home.folder / "hello.py"
    hello.write_text(_HELLO)
    ways = partial(home.run, [TAXIWAY, "--help"]), partial(home.run, [PYTHON, str(hello), "--help"])
    for way in ways:
        way()
    ours, theirs = in_turns(31, *ways)
    wall = [Samples(tuple(each.seconds for each in runs)) for runs in (ours, theirs)]
    cpu = [Samples(tuple(each.cpu for each in runs)) for runs in (ours, theirs)]
    instead = "typer's hello-world --help"
    return Section(
        title="taxiway --help",
        rows=(
            Row(figure="wall time", ours=wall[0], instead=instead, theirs=wall[1], target=above(*wall, most=0.02)),
            Row(figure="CPU time", ours=cpu[0], instead=instead, theirs=cpu[1]),
        ),
    )
