"""Parts of an environment repo: each overlay, and each other entry of the top folder."""

OVERLAYS = "overlays"
# File names of a kustomization, in the order in which kustomize looks for them.
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
MODEL = "taxiway.yaml"  # marks the top folder of an environment repo


def part_of(path: str) -> str | None:
    """The part that a path belongs to. None for a path outside of the repo, in `.git`, and for `overlays` itself."""
    first, _, rest = path.partition("/")
    if first in ("", ".", "..") or first.lower() == ".git" or path == OVERLAYS:
        return None
    return f"{OVERLAYS}/{rest.partition('/')[0]}" if first == OVERLAYS else first
