"""The parts of an environment repo: what its folders are called, and which part a path belongs to."""

OVERLAYS = "overlays"
# The names under which kustomize looks for a kustomization, in its order.
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
MODEL = "taxiway.yaml"  # what makes a folder the top of an environment repo


def part_of(path: str) -> str | None:
    """The part of the repo that a path belongs to: an overlay, or else an entry of the top folder.

    None for a path that leaves the repo, is Git's own, or is as large as all overlays together.
    """
    first, _, rest = path.partition("/")
    if first in ("", ".", "..") or first.lower() == ".git" or path == OVERLAYS:
        return None
    return f"{OVERLAYS}/{rest.partition('/')[0]}" if first == OVERLAYS else first
