"""The ids of folders are Git's own, and keys tell apart what differs."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.config.parts import part_of
from bootstrap.gitrepo.object_ids import EXECUTABLE, FILE, LINK, Blob, cache_key, object_id

# Names that Git sorts in another way than Python would: a folder counts as if its name ended with a slash.
_NAMES = st.text(alphabet="ab.-0Aé", min_size=1, max_size=4).filter(lambda name: name not in (".", "..", ".git"))
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)
_BLOBS = st.builds(Blob, st.sampled_from((FILE, EXECUTABLE)), st.binary(max_size=20))


def git(folder: Path, *arguments: str, given: bytes = b"") -> str:
    done = subprocess.run(("git", *arguments), cwd=folder, input=given, capture_output=True, check=True)
    return done.stdout.decode().strip()


def of_git(folder: Path, blobs: dict[str, Blob]) -> str:
    """The id that Git itself gives to these files."""
    (folder / "index").unlink(missing_ok=True)
    lines = []
    for path, blob in blobs.items():
        held = git(folder, "hash-object", "-w", "--stdin", given=blob.data)
        lines.append(f"{blob.mode} {held}\t{path}\0")
    git(folder, "update-index", "-z", "--index-info", given="".join(lines).encode())
    return git(folder, "write-tree")


@pytest.fixture(scope="module", params=["sha1", "sha256"])
def bare(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bare")
    git(folder, "init", "--quiet", "--bare", f"--object-format={request.param}", ".")
    return folder


@given(blobs=st.dictionaries(_PATHS, _BLOBS, min_size=1, max_size=8))
def test_the_id_of_a_folder_is_git_s(bare: Path, blobs: dict[str, Blob]) -> None:
    folders = {path.rsplit("/", count)[0] for path in blobs for count in range(1, path.count("/") + 1)}
    blobs = {path: blob for path, blob in blobs.items() if path not in folders}
    wanted = of_git(bare, blobs)
    assert object_id("base", {f"base/{path}": blob for path, blob in blobs.items()}, like=wanted) == wanted


def test_a_file_and_a_link_have_ids_and_nothing_has_none(bare: Path) -> None:
    wanted = git(bare, "hash-object", "--stdin", given=b"here")
    assert object_id("README.md", {"README.md": Blob(FILE, b"here")}, like=wanted) == wanted
    linked = {"to": Blob(LINK, b"../elsewhere")}
    wanted = of_git(bare, linked)
    assert object_id("base", {"base/to": linked["to"]}, like=wanted) == wanted
    assert object_id("base", {}) == ""


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("overlays/dev/base/airflow/x.yaml", "overlays/dev"),
        ("overlays/dev", "overlays/dev"),
        ("overlays", None),
        ("base/airflow/kustomization.yaml", "base"),
        ("taxiway.yaml", "taxiway.yaml"),
        ("../elsewhere/base", None),
        (".", None),
        ("", None),
    ],
)
def test_part_of_a_path(path: str, part: str | None) -> None:
    assert part_of(path) == part


_TEXTS = st.lists(st.text(max_size=3) | st.lists(st.text(max_size=3), max_size=3), max_size=4)


@given(one=_TEXTS, other=_TEXTS)
def test_keys_are_equal_for_equal_texts_alone(one: list[str | list[str]], other: list[str | list[str]]) -> None:
    assert (cache_key(*one) == cache_key(*other)) == (one == other)
