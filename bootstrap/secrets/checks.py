"""What must hold before anything is committed."""

import re
from collections.abc import Mapping

from bootstrap.core.errors import BuildFailed, TaxiwayError, raise_all
from bootstrap.core.tree import Tree
from bootstrap.yamltools import loader

_SECRET = re.compile(rb"^kind: \"?Secret\"?\s*$", re.MULTILINE)
_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")


def check(tree: Tree, rendered: Mapping[str, bytes]) -> None:
    """Raise every reason not to commit a tree, whose overlays render to this."""
    raise_all([*private_keys(tree), *(error for each in rendered.items() for error in rendered_secrets(*each))])


def rendered_secrets(overlay: str, rendered: bytes) -> list[TaxiwayError]:
    """A finding for each Secret in the clear that an overlay would send to the cluster."""
    if not _SECRET.search(rendered):  # kustomize writes each object in block style: reading it all would cost more
        return []
    documents = loader.load_all(rendered)
    return [
        BuildFailed(
            f"{overlay}: renders the Secret {each['metadata']['name']} in the clear", hint="commit it as a SealedSecret"
        )
        for each in documents
        if isinstance(each, dict) and each.get("kind") == "Secret"
    ]


def private_keys(tree: Tree) -> list[TaxiwayError]:
    """A finding for each file that holds a private key."""
    return [
        BuildFailed(f"{path}: holds a private key, which must never be committed")
        for path, data in tree.items()
        if _PRIVATE_KEY.search(data)
    ]
