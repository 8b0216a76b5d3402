"""Limits on what is read of an environment repo, whose size and depth anyone who opens a pull request can choose.

A working repo is far below each of them: Kubernetes takes no ConfigMap, and etcd no object, above 1 MiB.
"""

FILE_BYTES = 10 * 1024 * 1024  # of one file
READ_BYTES = 512 * 1024 * 1024  # of all files of one read
READ_FILES = 200_000  # of one read
PATH_DEPTH = 100  # folders in a path
LINKS = 40  # symbolic links followed for one path, as on Linux

YAML_BYTES = FILE_BYTES
YAML_DEPTH = 100  # nested collections
YAML_NODES = 250_000  # with aliases expanded
YAML_DOCUMENTS = 10_000
YAML_NUMBER = 1_000  # digits
EDITED_BYTES = 1024 * 1024  # of a YAML file that is edited: ruamel.yaml is pure Python and reads about 100 KB/s


def mebibytes(size: int) -> str:
    """A size in bytes as text, such as `10 MiB`."""
    return f"{size // (1024 * 1024)} MiB"
