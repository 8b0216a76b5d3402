"""The test cluster on a command line: `python -m tests.cluster COMMAND`; tests/cluster/README.md tells the story."""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tests.cluster import demo, requirements
from tests.cluster.builds import modules, parts, programs
from tests.cluster.console import Console, fail
from tests.cluster.errors import ClusterError
from tests.cluster.images import catalogue, layers
from tests.cluster.kit.environment import OWN
from tests.cluster.node import lifecycle, namespaces, status
from tests.cluster.node.guardian import guarded
from tests.cluster.node.layout import Layout
from tests.cluster.process import Arg, interact
from tests.cluster.python import CHECKOUT, module_command
from tests.cluster.relay import relay

HERE = Path(__file__).resolve().parent
# What the tests need beside kubectl and git on a cluster of the user's.
TOOLS = ("jsonnet", "sealed-secrets")


def build(layout: Layout, args: argparse.Namespace) -> int:
    """Make the servers and images that the cache lacks."""
    requirements.check()
    _build(Console())
    return 0


def up(layout: Layout, args: argparse.Namespace) -> int:
    """Start the cluster, and leave it up."""
    requirements.check()
    with guarded(layout) as keep:
        _up(layout)
        keep()
    return 0


def down(layout: Layout, args: argparse.Namespace) -> int:
    """End the cluster; nothing but the cache stays."""
    requirements.check()
    lifecycle.down(layout)
    return 0


def show(layout: Layout, args: argparse.Namespace) -> int:
    """Show what runs, and how much memory it uses."""
    running = lifecycle.is_up(layout)
    if running:
        namespaces.enter(layout)
    print(status.describe(layout))
    return 0 if running else 1


def execute(layout: Layout, args: argparse.Namespace) -> int:
    """Run a command inside of the cluster's network."""
    command = _rest(args)
    if not command:
        raise ClusterError("no command to run", hint="python -m tests.cluster exec -- kubectl get pods -A")
    _enter(layout)
    os.execvpe(command[0], command, {**os.environ, **_environment(layout)})


def shell(layout: Layout, args: argparse.Namespace) -> int:
    """Start the cluster unless it is up, open a shell in it, and leave it up."""
    up(layout, args)
    return _shell(layout)


def show_demo(layout: Layout, args: argparse.Namespace) -> int:
    """Start the cluster with a bootstrapped, synced environment; show its UI; open a shell."""
    requirements.check()
    with guarded(layout) as keep, relay(args.port, lambda: _up(layout), lambda: _demo(layout)) as url:
        keep()
        fail(f"the Airflow UI of dev: {url}   (ends with this shell; the README of {_demo_folder(layout)} says more)")
        fail("kubectl -n airflow-dev get secret airflow-admin -o jsonpath='{.data.ADMIN_PASSWORD}' | base64 -d")
        return _shell(layout)


def load(layout: Layout, args: argparse.Namespace) -> int:
    """Make the images of `docker save` archives known to the cluster."""
    for archive in args.archives:
        print("\n".join(layers.store().load(archive)))
    return 0


def test(layout: Layout, args: argparse.Namespace) -> int:
    """Run the tests in a cluster that ends with them; one that was up already is used, and stays."""
    words = _rest(args)
    places = [] if any(Path(word.partition("::")[0]).exists() for word in words) else [HERE]
    pytest: list[Arg] = [*module_command("pytest"), "-c", HERE / "pytest.ini", *words, *places]
    if os.environ.get("CLUSTER") == "existing":
        programs.build(TOOLS, Console())
        # Behind the user's own: their kubectl fits their cluster.
        return interact(pytest, env={"PATH": f"{os.environ['PATH']}{os.pathsep}{programs.search_path()}"})
    requirements.check()
    with guarded(layout):
        _up(layout)
        return interact(["setpriv", "--pdeathsig", "TERM", *pytest], env=_environment(layout))


def _shell(layout: Layout) -> int:
    fail(f"this shell is inside of the cluster {layout.name}; after it: python -m tests.cluster down")
    return interact([os.environ.get("SHELL", "/bin/sh")], env=_environment(layout))


def _demo(layout: Layout) -> tuple[str, int]:
    os.environ.update(_environment(layout))
    kubectl = lifecycle.kubectl(layout)
    demo.prepare(kubectl, _demo_folder(layout), Console())
    return demo.address(kubectl)


def _demo_folder(layout: Layout) -> Path:
    return layout.state / "demo"


def _rest(args: argparse.Namespace) -> list[str]:
    """The words after `--`."""
    words: list[str] = args.argv
    return words[1:] if words[:1] == ["--"] else words


def _build(console: Console) -> None:
    programs.build(parts.PARTS, console)
    modules.fetch()
    layers.build(catalogue.everything(), console)


def _up(layout: Layout) -> None:
    console = Console()
    _build(console)
    lifecycle.up(layout, console)


def _enter(layout: Layout) -> None:
    if not lifecycle.is_up(layout):
        raise ClusterError(f"the cluster {layout.name} is not up", hint="run: python -m tests.cluster up")
    namespaces.enter(layout)


def _environment(layout: Layout) -> dict[str, str]:
    return {"KUBECONFIG": str(layout.kubeconfig), "PATH": programs.search_path(), OWN: layout.name}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("--name", default="taxiway", help="of the cluster; several run side by side")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, do: Callable[[Layout, argparse.Namespace], int]) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=do.__doc__)
        sub.set_defaults(do=do)
        return sub

    command("build", build)
    command("up", up)
    command("down", down)
    command("status", show)
    command("shell", shell)
    command("demo", show_demo).add_argument("--port", type=int, default=8080, help="of 127.0.0.1, for your browser")
    command("exec", execute).add_argument("argv", nargs=argparse.REMAINDER)
    command("load", load).add_argument("archives", nargs="+", type=Path)
    command("test", test).add_argument("argv", nargs=argparse.REMAINDER, help="-- and more words for pytest")
    return parser


def main() -> int:
    """Run the command line; the exit code is the command's own, 3 where this machine can't run a cluster."""
    args = _parser().parse_args()
    # So that a polite kill cleans up as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.chdir(CHECKOUT)
    try:
        do: Callable[[Layout, argparse.Namespace], int] = args.do
        return do(Layout(name=args.name), args)
    except ClusterError as err:
        fail(str(err))
        return err.exit_code
    except KeyboardInterrupt:
        fail("interrupted")
        return 130


if __name__ == "__main__":
    sys.exit(main())
