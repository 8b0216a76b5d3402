"""The image store, and the registry over it."""

import io
import json
import tarfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import cache
from tests.cluster.images import entries, registry
from tests.cluster.images.entries import Entry, File, Folder, Link
from tests.cluster.images.store import Store, full_name

ENTRIES: list[Entry] = [
    File(path="bin/tool", source=b"#!/bin/sh\n"),
    Link(path="bin/alias", target="tool"),
    Folder(path="data", mode=0o700, uid=999),
]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with the image `example.test/tools/tool:1` in it."""
    store = Store(tmp_path / "images")
    store.write("example.test/tools/tool:1", [store.put(_layer(ENTRIES))], {"User": "999"})
    return store


@pytest.fixture
def url(store: Store) -> Iterator[str]:
    """The address of a registry over that store."""
    server = registry.server(store, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("given", "full"),
    [
        ("busybox", "library/busybox:latest"),
        ("busybox:1", "library/busybox:1"),
        ("apache/airflow:3.3.2", "apache/airflow:3.3.2"),
        ("example.test/team/tool", "team/tool:latest"),
        ("localhost/tool:1", "tool:1"),
        ("localhost:5000/team/tool:1", "team/tool:1"),
    ],
)
def test_names_are_what_containerd_asks_a_mirror_for(given: str, full: str) -> None:
    assert full_name(given) == full


def test_the_same_files_give_the_same_layer(store: Store) -> None:
    first, second = store.put(_layer(ENTRIES)), store.put(_layer(ENTRIES))
    assert first == second
    assert store.put(_layer(ENTRIES[:2])) != first


def test_a_key_changes_with_any_byte_and_with_where_parts_meet() -> None:
    assert entries.key(ENTRIES) != entries.key([File(path="bin/tool", source=b"#!/bin/dash\n"), *ENTRIES[1:]])
    assert cache.key("ab", "c") != cache.key("a", "bc")


def test_pruning_keeps_what_a_name_reaches(store: Store) -> None:
    unused = store.put(io.BytesIO(b"unused"))
    before = {p.name for p in store.blobs.iterdir()}
    store.prune()
    assert before - {p.name for p in store.blobs.iterdir()} == {unused.digest.removeprefix("sha256:")}


def test_an_archive_of_docker_save_is_loaded(store: Store, tmp_path: Path) -> None:
    layer = _layer(ENTRIES)
    archive = tmp_path / "saved.tar"
    manifest = [{"Config": "c.json", "RepoTags": ["team/saved:2"], "Layers": ["l.tar"]}]
    with tarfile.open(archive, "w") as tar:
        for name, data in (
            ("manifest.json", json.dumps(manifest).encode()),
            ("c.json", b"{}"),
            ("l.tar", layer.getvalue()),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    assert store.load(archive) == ["team/saved:2"]
    assert "team/saved:2" in store.names()


def test_an_image_is_served_by_tag_and_by_digest(store: Store, url: str) -> None:
    with urllib.request.urlopen(f"{url}/v2/tools/tool/manifests/1") as answer:
        digest = answer.headers["Docker-Content-Digest"]
        manifest = json.load(answer)
    with urllib.request.urlopen(f"{url}/v2/tools/tool/manifests/{digest}") as answer:
        assert json.load(answer) == manifest
    with urllib.request.urlopen(f"{url}/v2/tools/tool/blobs/{manifest['layers'][0]['digest']}") as answer:
        layer = io.BytesIO(answer.read())
    with tarfile.open(fileobj=layer) as tar:
        names = tar.getnames()
    assert names == ["bin/tool", "bin/alias", "data"]


@pytest.mark.parametrize("path", ["manifests/2", "blobs/sha256:00", "blobs/..%2f..%2fnames.json", "tags/list"])
def test_what_is_not_stored_is_not_found(url: str, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{url}/v2/tools/tool/{path}")
    caught.value.close()
    assert caught.value.code == 404


def _layer(wanted: list[Entry]) -> io.BytesIO:
    out = io.BytesIO()
    entries.write(wanted, out)
    out.seek(0)
    return out
