"""What objects say of each other: a name, who says it, and where; told once, however many say it."""

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bootstrap.validate.context import items, mapping
from bootstrap.validate.pods import Pod
from bootstrap.yamltools.positions import Place

_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A name that an object says, or a key below that name. `where` is asked only if there is something to tell."""

    name: str
    key: str = ""
    reader: str
    where: Callable[[], Place]


def grouped(mentions: Iterable[Mention]) -> Iterator[tuple[str, str, list[Mention]]]:
    """The mentions by name and key: one mistake is one finding, however many objects it breaks."""
    groups: dict[tuple[str, str], list[Mention]] = defaultdict(list)
    for each in mentions:
        groups[each.name, each.key].append(each)
    for (name, key), group in groups.items():
        yield name, key, group


def first(group: Iterable[Mention]) -> Place:
    """The first of their places."""
    return min(each.where() for each in group)


def readers(group: Iterable[Mention]) -> str:
    """Who says it, in few words."""
    names = sorted({each.reader for each in group})
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def near(name: str, known: Iterable[str]) -> str:
    """A hint at the known name that is most like this one, else at all of them, if they are few; else nothing."""
    choices = sorted(set(known))
    # Most names begin with `airflow-`, so what is not very near is not near at all.
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.78)
    within = [each for each in choices if each in name or name in each]
    if close or len(within) == 1:
        return f"did you mean {(close or within)[0]}?"
    return f"known: {', '.join(choices)}" if 0 < len(choices) <= 8 else ""


class Labelled:
    """The pods of an environment by their labels."""

    def __init__(self, pods: Iterable[Pod]) -> None:
        self._pods = tuple(pods)
        self._by_label: dict[tuple[str, str], set[int]] = defaultdict(set)
        for number, pod in enumerate(self._pods):
            for key, value in mapping(pod.metadata.get("labels")).items():
                self._by_label[str(key), str(value)].add(number)

    def selected(self, selector: Any) -> list[Pod]:
        """The pods that a label selector (`matchLabels` and `matchExpressions`) takes; an empty one takes all."""
        numbers = set(range(len(self._pods)))
        for pair in mapping(mapping(selector).get("matchLabels")).items():
            numbers &= self._by_label.get((str(pair[0]), str(pair[1])), set())
        expressions = [each for each in items(mapping(selector).get("matchExpressions")) if isinstance(each, dict)]
        chosen = [self._pods[number] for number in sorted(numbers)]
        return [pod for pod in chosen if all(_meets(mapping(pod.metadata.get("labels")), e) for e in expressions)]


def _meets(labels: Mapping[Any, Any], expression: Mapping[str, Any]) -> bool:
    key, values = expression.get("key"), items(expression.get("values"))
    there = isinstance(key, str) and key in labels
    value = labels.get(key) if isinstance(key, str) else None
    match expression.get("operator"):
        case "In":
            return there and value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return there
        case "DoesNotExist":
            return not there
    return True  # no operator that Kubernetes knows: another rule's to tell
