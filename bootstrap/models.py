"""Models of repos: what a long taxiway.yaml says is kept in the user's cache folder, for reading it takes a while."""

import json
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import Any

from bootstrap import alike
from bootstrap.config import model
from bootstrap.config.model import Model
from bootstrap.gitrepo import object_ids
from bootstrap.system.cache import Cache

_LAYOUT = "1"  # of what is kept in the cache
_LONG = 16 * 1024  # bytes, from which on a look into the cache is the quicker way


def read(text: bytes, *, cached: bool = True) -> Model:
    """The model that a text of taxiway.yaml holds; unless `cached`, whatever earlier runs have read.

    Raises BadTarget, naming what is wrong, where it is not one.
    """
    return _read(text, _remembered if cached and len(text) >= _LONG else model.load)


@lru_cache(maxsize=4)  # the work tree's, HEAD's and a remote's are mostly the same text
def _read(text: bytes, load: Callable[[bytes], Any]) -> Model:
    return Model.parse(text, load)


def _remembered(text: bytes) -> Any:
    cache = Cache.find()
    key = object_ids.key("model", _LAYOUT, sha256(text).hexdigest())
    held = cache.get(key)
    if held is not None:
        return json.loads(held)
    data = model.load(text)
    if packed := alike.as_json(data):
        cache.put(key, packed.encode(errors="surrogatepass"))
    return data
