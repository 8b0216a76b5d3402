"""A long taxiway.yaml that was read before gives the very model that reading it gives."""

from dataclasses import replace
from pathlib import Path

import pytest

from bootstrap import models
from bootstrap.config import model
from bootstrap.config.hold import Hold
from bootstrap.config.model import Environment, Model
from bootstrap.core.errors import BadTarget
from bootstrap.system.cache import Cache
from tests import environment_repo as envs

HOLD = Hold(reason="a demo", author="Mia", date="2026-11-23")
MANY = replace(
    envs.model(),
    environments=tuple(
        Environment(
            name=f"env-{number}", namespace=f"ns-{number}", cluster="default", hold=None if number % 9 else HOLD
        )
        for number in range(400)
    ),
)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def fresh(text: bytes) -> Model:
    """The model as another process would read it."""
    models._read.cache_clear()
    return models.read(text)


def kept(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.is_file()]


def test_it_is_parsed_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = MANY.render()
    assert fresh(text) == MANY
    (entry,) = kept(cache)
    with monkeypatch.context() as patch:
        patch.setattr(model, "load", None)
        assert fresh(text) == MANY
    entry.write_bytes(entry.read_bytes()[:-1])
    assert fresh(text) == MANY


@pytest.mark.parametrize(
    "more",
    [
        b"validate:\n  off: [{rule: pods/limits, reason: no need}]\n",  # in YAML 1.1, `off` is False
        b"since: 2026-11-23\n",
    ],
)
def test_what_json_can_t_hold_is_parsed_each_time(more: bytes, cache: Path) -> None:
    text = MANY.render() + more
    assert fresh(text) == fresh(text) == Model.parse(text)
    assert kept(cache) == []


def test_a_short_one_and_a_wrong_one_leave_nothing(cache: Path) -> None:
    assert fresh(envs.model().render()) == envs.model()
    for _ in range(2):
        with pytest.raises(BadTarget, match="not valid YAML"):
            fresh(MANY.render() + b"]")
    assert kept(cache) == []


def test_without_the_cache_nothing_is_taken_from_it_and_nothing_kept(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = MANY.render()
    models._read.cache_clear()
    assert models.read(text, cached=False) == MANY
    assert kept(cache) == []
    assert fresh(text) == MANY
    with monkeypatch.context() as patch:
        patch.setattr(Cache, "get", None)
        models._read.cache_clear()
        assert models.read(text, cached=False) == MANY
