"""GitLab's CODEOWNERS: patterns, sections, defaults, exclusions."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.pullrequests import codeowners

RELEASE = "overlays/prod/release/release.env"


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*", RELEASE, True),
        ("/*", RELEASE, False),
        ("/*", "taxiway.yaml", True),
        ("*.env", RELEASE, True),
        ("/*.env", RELEASE, False),
        ("release.env", RELEASE, True),
        ("release/", RELEASE, True),
        ("/release/", RELEASE, False),
        ("/overlays/", RELEASE, True),
        ("/overlays", RELEASE, False),
        ("/overlays/prod/", "overlays/production/x", False),
        ("/overlays/*/release/", RELEASE, True),
        ("/overlays/*", RELEASE, False),
        ("/overlays/**/release.env", RELEASE, True),
        ("/**/overlays/**", RELEASE, True),
        ("overlays/**/secrets/", RELEASE, False),
        ("re?ease.env", RELEASE, True),
        ("[pr]elease.env", RELEASE, True),
        ("[!r]elease.env", RELEASE, False),
        ("[^r]elease.env", RELEASE, False),
        ("[a-z]*.env", RELEASE, True),
        ("[+--]elease.env", "a/-elease.env", True),
        ("[z-a]elease.env", RELEASE, False),
        ("[", "a/[", True),
        ("release+env", RELEASE, False),
        (r"with\ space.env", "a/with space.env", True),
        (r"\#notes", "a/#notes", True),
    ],
)
def test_a_pattern_matches_as_in_gitlab(pattern: str, path: str, matches: bool) -> None:
    assert bool(codeowners.owners(f"{pattern} @ada", [path])) is matches


@pytest.mark.parametrize(
    ("text", "owners"),
    [
        ("", ()),
        ("# * @nobody\n\n*  @ada\t@acme/data", ("ada", "acme/data")),
        ("* @ada\n/overlays/ @grace", ("grace",)),
        ("/overlays/ @grace\n* @ada", ("ada",)),
        ("* @ada\n/overlays/prod/", ()),  # a line without owners takes its paths out
        ("* @ada\n!*.env", ()),
        ("* ada@example.com @@maintainer @ada", ("ada",)),
        ("[Ops] @ops\n*\n/docs/ @writers", ("ops",)),
        ("* @ada\n[Ops]\n* @ops\n^[Data][2] @data\n*.env", ("ada", "ops", "data")),
        ("[Ops]\n*.yaml @yaml\n[Other]\n* @other\n[OPS]\n*.env @env", ("env", "other")),
        ("[Ops] @ops\n*.env @env", ("env",)),
        ("* @ada\n[Ops]\n* @ada", ("ada",)),
    ],
)
def test_the_owners_of_a_file(text: str, owners: tuple[str, ...]) -> None:
    assert codeowners.owners(text, [RELEASE]) == owners


@given(text=st.text(alphabet="[]!^*?/\\-&~|#@ \na", max_size=40), path=st.text(alphabet="[]-/a", min_size=1))
def test_any_text_is_parsed(text: str, path: str) -> None:
    assert set(codeowners.owners(text, [path])) <= set(re.findall(r"@(\S+)", text))


def test_owners_of_several_paths_are_joined() -> None:
    text = "*.yaml @yaml\n*.env @env\n*.md @writers\n"
    assert codeowners.owners(text, ["b.env", "a.yaml"]) == ("yaml", "env")
