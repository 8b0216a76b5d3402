"""Cache: an entry is returned whole or not at all, whatever happens to its folder."""

import multiprocessing
import os
import stat
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootstrap.gitrepo.object_ids import cache_key
from bootstrap.system.cache import Cache

KEYS = [cache_key("entry", str(number)) for number in range(200)]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(folder=tmp_path / "cache/taxiway")


def files(cache: Cache) -> list[Path]:
    assert cache.folder
    return sorted(cache.folder.glob("??/*"))


def size(cache: Cache) -> int:
    return sum(path.stat().st_size for path in files(cache))


def test_get_returns_the_last_put(cache: Cache) -> None:
    assert (cache.get(KEYS[0]), cache.has(KEYS[0])) == (None, False)
    for data in (b"one", b"", b"\0" * 100_000):
        cache.put(KEYS[0], data)
        assert (cache.get(KEYS[0]), cache.has(KEYS[0])) == (data, True)
    assert cache.get(KEYS[1]) is None
    assert len(files(cache)) == 1


def test_only_the_user_may_read_it(cache: Cache) -> None:
    before = os.umask(0)
    try:
        cache.put(KEYS[0], b"one")
    finally:
        os.umask(before)
    assert cache.folder
    for path in (cache.folder, *cache.folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_altered_entry_is_a_miss(cache: Cache, data: st.DataObject) -> None:
    cache.put(KEYS[0], b"kind: Deployment\n" * 10)
    (path,) = files(cache)
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        path.write_bytes(whole[:at])
    else:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :])
    assert cache.get(KEYS[0]) is None
    cache.put(KEYS[0], b"again")
    assert cache.get(KEYS[0]) == b"again"


def test_an_entry_under_another_key_is_a_miss(cache: Cache) -> None:
    cache.put(KEYS[0], b"one")
    cache.put(KEYS[1], b"two")
    first, second = files(cache)
    first.replace(second)
    assert [cache.get(name) for name in KEYS[:2]] == [None, None]


def test_an_unusable_folder_is_an_empty_cache(cache: Cache, tmp_path: Path) -> None:
    cache.put(KEYS[0], b"one")
    (tmp_path / "cache").rename(tmp_path / "elsewhere")
    assert cache.get(KEYS[0]) is None
    (tmp_path / "cache").write_text("a file")
    cache.put(KEYS[0], b"one")
    assert (cache.get(KEYS[0]), cache.has(KEYS[0])) == (None, False)
    assert (tmp_path / "cache").read_text() == "a file"
    cache.prune()
    nothing = Cache(folder=None)
    nothing.put(KEYS[0], b"one")
    nothing.prune()
    assert (nothing.get(KEYS[0]), nothing.has(KEYS[0])) == (None, False)


def test_a_full_disk_leaves_no_partial_entry(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        cache.put(KEYS[0], b"one")
    assert files(cache) == []


def test_an_interrupt_leaves_no_partial_entry(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cache.put(KEYS[0], b"one")
    assert files(cache) == []


def test_once_a_day_the_least_recently_used_entries_are_evicted(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    cache = Cache(folder=folder, limit=400_000)
    data = os.urandom(4_000)
    old = time.time() - 100_000
    for number, name in enumerate(KEYS):
        cache.put(name, data)
        os.utime(folder / name[:2] / name, (old + number, old + number))
    cache.get(KEYS[0])
    assert len(files(cache)) == len(KEYS)
    (stamp,) = (path for path in folder.iterdir() if path.is_file())
    os.utime(stamp, (old, old))
    cache.put(KEYS[-1], data)
    assert 100_000 < size(cache) <= 400_000
    assert [cache.get(KEYS[number]) for number in (0, 1, -1)] == [data, None, data]
    assert stamp.stat().st_mtime > time.time() - 100
    for name in KEYS:
        cache.put(name, data)
    assert len(files(cache)) == len(KEYS)  # not before tomorrow


def test_pruning_removes_old_partial_files_and_keeps_recent_ones(cache: Cache) -> None:
    cache.put(KEYS[0], b"one")
    (path,) = files(cache)
    old, recent = path.with_name(".old"), path.with_name(".recent")
    for partial in (old, recent):
        partial.write_bytes(b"half")
    os.utime(old, (0, 0))
    cache.prune()
    assert files(cache) == sorted([recent, path])


def _share(folder: Path, number: int) -> None:
    cache = Cache(folder=folder, limit=30_000)
    for round_ in range(200):
        name = KEYS[round_ % 10]
        cache.put(name, name.encode() * 20)
        if round_ % 10 == 0:
            cache.prune()
        assert cache.get(KEYS[(round_ + number) % 10]) in (None, KEYS[(round_ + number) % 10].encode() * 20)


def test_concurrent_processes_share_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    runs = [context.Process(target=_share, args=(tmp_path / "cache", number)) for number in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0, 0]
    assert not [path for path in files(Cache(folder=tmp_path / "cache")) if path.name.startswith(".")]


def test_its_folder_follows_the_xdg_specification(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "here"))
    assert Cache.default().folder == tmp_path / "here/taxiway/builds"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # to be ignored, says the specification
    assert Cache.default().folder == Path.home() / ".cache/taxiway/builds"
    assert Cache.default(enabled=False).folder is None
