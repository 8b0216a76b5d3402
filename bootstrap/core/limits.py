"""How much of an environment repo is read: whoever can open a pull request decides how large and how deep it is.

A repo that works is far below each of these. Kubernetes takes no ConfigMap beyond 1 MiB, and etcd no object.
"""

FILE_BYTES = 10 * 1024 * 1024  # of one file
READ_BYTES = 512 * 1024 * 1024  # of all files that are read together
READ_FILES = 200_000  # that are read together
PATH_DEPTH = 100  # folders in a path
LINKS = 40  # symbolic links on the way to a file, as Linux has it

YAML_BYTES = FILE_BYTES
YAML_DEPTH = 100  # collections in collections
YAML_NODES = 250_000  # with every alias as what it stands for
YAML_DOCUMENTS = 10_000
YAML_NUMBER = 1_000  # digits
EDITED_BYTES = 1024 * 1024  # of a YAML file that is edited: ruamel.yaml, in pure Python, reads some 100 KB a second


def shown(size: int) -> str:
    """A limit for people."""
    return f"{size // (1024 * 1024)} MiB"
