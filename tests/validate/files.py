"""Files of an environment repo that concern one environment."""

from bootstrap.config.model import Environment
from bootstrap.core.tree import Tree
from bootstrap.gitrepo import repository
from bootstrap.gitrepo.environment_repo import Checkout


def of(checkout: Checkout, environment: Environment) -> Tree:
    """Its overlay, and every file that belongs to no environment."""
    patterns = (".", ":(exclude)overlays/"), (f"{environment.overlay}/",)
    paths = [path for pattern in patterns for path in repository.Repository(checkout.top).files(*pattern)]
    return Tree({path: checkout.read(path) for path in paths})
