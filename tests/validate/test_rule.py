"""Rules: pages from docstrings, aliases, exemptions, and suppression by other rules."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bootstrap.config.exemptions import Exemption
from bootstrap.core.errors import BadOption
from bootstrap.core.tree import Tree
from bootstrap.validate import registry
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rule import ERROR, Check, rule
from bootstrap.validate.violation import Violation, Within
from bootstrap.yamltools.positions import Place
from tests.refresh import rules
from tests.validate.test_pods import DEV, MODEL


@rule("test/cause", ERROR, fix="Do.", aliases=("test/old",))
def cause(env: EnvironmentContext) -> Iterator[Violation]:
    """A title that
    goes on.

    Why,
    in two lines.
    """
    yield Violation(Place("a.yaml", 3), "broken")


def following(within: Within, *after: str) -> Check[EnvironmentContext]:
    """A rule that is broken in the line of the cause, in its file, and elsewhere."""

    @rule("test/effect", ERROR, fix="Do.", after=after, within=within)
    def effect(env: EnvironmentContext) -> Iterator[Violation]:
        """A title.

        Why.
        """
        yield from (Violation(place, "so") for place in (Place("a.yaml", 3), Place("a.yaml", 4), Place("b.yaml", 3)))

    return effect


def context(*off: Exemption) -> EnvironmentContext:
    """An environment of nothing, where some rules are switched off."""
    return EnvironmentContext(model=replace(MODEL, exemptions=off), environment=DEV, tree=Tree())


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let there be no other rules than these."""

    def choose(*checks: Check[EnvironmentContext]) -> None:
        monkeypatch.setattr(registry, "checks", lambda: checks)

    return choose


def test_the_docstring_of_a_rule_is_its_page() -> None:
    assert (cause.rule.title, cause.rule.why) == ("A title that goes on.", "Why, in two lines.")
    assert [violation.message for violation in cause(context())] == ["broken"]


@pytest.mark.parametrize("page", [None, "A title alone.", "A title.\n\nWhy.\n\nMore."])
def test_a_docstring_without_two_paragraphs_is_refused(page: str | None) -> None:
    def wrong(env: EnvironmentContext) -> Iterator[Violation]:
        yield from ()

    wrong.__doc__ = page
    with pytest.raises(ValueError, match="unpack"):
        rule("test/wrong", ERROR, fix="Do.")(wrong)


@pytest.mark.parametrize(
    ("within", "after", "left"),
    [
        (Within.ENVIRONMENT, "test/cause", []),
        (Within.FILE, "test/cause", ["b.yaml:3"]),
        (Within.LINE, "test/cause", ["a.yaml:4", "b.yaml:3"]),
        (Within.FILE, "test/*", ["b.yaml:3"]),
        (Within.FILE, "*", ["b.yaml:3"]),
        (Within.ENVIRONMENT, "test/other", ["a.yaml:3", "a.yaml:4", "b.yaml:3"]),
        (Within.ENVIRONMENT, "test/effect", ["a.yaml:3", "a.yaml:4", "b.yaml:3"]),  # none explains itself
    ],
)
def test_a_finding_that_another_rule_explains_is_suppressed(
    only: Callable[..., None], within: Within, after: str, left: list[str]
) -> None:
    only(cause, following(within, after))
    found = [finding for finding in registry.examine(context()) if finding.rule.name == "test/effect"]
    assert [str(finding.place) for finding in found] == left


def test_a_rule_that_is_switched_off_explains_nothing(only: Callable[..., None]) -> None:
    only(cause, following(Within.ENVIRONMENT, "test/cause"))
    for off, told in (
        (Exemption(rule="test/cause", reason="known"), True),
        (Exemption(rule="test/old", reason="known"), True),
        (Exemption(rule="test/cause", reason="known", environments=("other",)), False),
        (Exemption(rule="test/cause", reason="known", paths=("a*",)), True),
        (Exemption(rule="test/cause", reason="known", paths=("b*",)), False),
    ):
        found = registry.examine(context(off))
        assert ("test/effect" in {finding.rule.name for finding in found}) is told
        assert context(off).reports(cause) is not told
        left = {finding.rule.name for finding in registry.apply_exemptions(found, [off])}
        assert ("test/cause" in left) is not told


def test_a_renamed_rule_is_found_by_its_alias(only: Callable[..., None]) -> None:
    only(cause)
    assert registry.find("test/old") is registry.find("test/cause") is cause.rule
    assert registry.names() == {"test/cause": "test/cause", "test/old": "test/cause"}
    with pytest.raises(BadOption, match="no rule 'test/older'"):
        registry.find("test/older")


def test_docs_rules_md_is_up_to_date() -> None:
    page = Path(__file__).resolve().parents[2] / "docs/rules.md"
    assert page.read_text() == rules.text(), "run: make rules"


def test_rules_are_sorted_by_family_file_and_line() -> None:
    places = [(check.run.__module__, check.run.__code__.co_firstlineno) for check in registry.checks()]
    assert places == sorted(places)
    assert all(check.rule.name.startswith(f"{check.run.__module__.split('.')[3]}/") for check in registry.checks())
    names = [name for rule in registry.all_rules() for name in rule.names]
    assert len(names) == len(set(names))


def test_the_names_in_after_exist() -> None:
    known = {rule.name.split("/")[0] + "/*" for rule in registry.all_rules()} | {*registry.names(), "*"}
    assert {cause for rule in registry.all_rules() for cause in rule.after} <= known


def test_a_file_has_six_rules_at_most() -> None:
    files = [check.run.__module__ for check in registry.checks()]
    assert {name: files.count(name) for name in files if files.count(name) > 6} == {}
