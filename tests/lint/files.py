"""The files of an environment repo that have to do with one environment."""

from bootstrap import plumbing
from bootstrap.config.model import Environment
from bootstrap.core.tree import Tree
from bootstrap.repository import Checkout


def of(checkout: Checkout, environment: Environment) -> Tree:
    """Its overlay, and every file that belongs to no environment."""
    patterns = (".", ":(exclude)overlays/"), (f"{environment.overlay}/",)
    paths = [path for each in patterns for path in plumbing.Repository(checkout.top).files(*each)]
    return Tree({path: checkout.read(path) for path in paths})
