"""Rules about unknown Airflow variables, which Airflow ignores without a warning."""

from collections.abc import Iterator

from bootstrap.airflow import settings
from bootstrap.airflow.settings import Settings
from bootstrap.validate.airflow_components import find_airflow
from bootstrap.validate.context import EnvironmentContext, shared
from bootstrap.validate.rule import ERROR, WARNING, rule
from bootstrap.validate.rules.airflow.values import is_local_base_url, variables
from bootstrap.validate.violation import Violation

_Broken = tuple[str, str, str]  # the rule's name, what is wrong with the variable, a hint


@rule("airflow/misspelt-variable", ERROR, fix="Spell it as Airflow does.")
def misspelt_variable(env: EnvironmentContext) -> Iterator[Violation]:
    """A setting's variable is spelt AIRFLOW__SECTION__KEY, in capitals, with two underscores twice.

    Airflow looks for that exact name alone; it never sees this one, and the setting keeps its default.
    """
    yield from misnamed(env, "airflow/misspelt-variable")


@rule("airflow/unknown-setting", ERROR, fix="Correct the name, or remove the variable.")
def unknown_setting(env: EnvironmentContext) -> Iterator[Violation]:
    """A variable names a setting that Airflow knows.

    Airflow reads the settings that it knows and passes over all others without a word: the default holds.
    """
    yield from misnamed(env, "airflow/unknown-setting")


@rule(
    "airflow/unknown-section",
    WARNING,
    fix="Correct the section; where a plugin reads it, switch this rule off in taxiway.yaml.",
)
def unknown_section(env: EnvironmentContext) -> Iterator[Violation]:
    """A variable names a section of Airflow, or of a provider in its official image.

    Unless a provider or plugin of your own reads that section, nobody does.
    """
    yield from misnamed(env, "airflow/unknown-section")


@rule("airflow/not-sensitive", ERROR, fix="Set the value itself.")
def not_sensitive(env: EnvironmentContext) -> Iterator[Violation]:
    """_CMD and _SECRET stand behind the name of a sensitive setting.

    For settings marked as sensitive alone does Airflow run a command or ask its secrets backend.
    """
    yield from misnamed(env, "airflow/not-sensitive")


def misnamed(env: EnvironmentContext, name: str) -> Iterator[Violation]:
    """Violations of one of the rules about names; a variable breaks at most one rule."""
    return (violation for broken, violation in _misnamed(env) if broken == name)


@shared
def _misnamed(env: EnvironmentContext) -> Iterator[tuple[str, Violation]]:
    release_settings = find_airflow(env).settings
    for variable in variables(env):
        broken = _broken(release_settings, variable.name)
        if broken and not is_local_base_url(variable):
            name, message, hint = broken
            yield name, Violation(variable.place, f"{variable.name} {message}", hint)


def _broken(release_settings: Settings, variable: str) -> _Broken | None:
    """The rule that a variable's name breaks; None if it breaks none."""
    name = settings.parse_variable(variable)
    if name is None:
        return _misspelt(release_settings, variable)
    if release_settings.takes(name):
        option = release_settings.options.get(name)
        if option is not None and option.deprecated:
            return "airflow/old-setting", f"is deprecated since Airflow {option.deprecated}", ""
        return None
    if new := release_settings.honoured.get(name):
        current = settings.variable(new)
        return "airflow/old-setting", f"is the old name of {current}", f"write {current}"
    if new := release_settings.successor(name):
        current = settings.variable(new)
        return "airflow/renamed-setting", f"is ignored: the setting is called {current} now", f"write {current}"
    if misspelt := _misspelt(release_settings, variable):
        return misspelt
    if release_settings.is_gone(name):
        return (
            "airflow/removed-setting",
            f"is ignored: Airflow {release_settings.version} has no such setting any more",
            "",
        )
    if plain := release_settings.indirect_option(name):
        current = settings.variable(plain)
        return "airflow/not-sensitive", f"is ignored: {current} is not a sensitive setting", f"set {current} itself"
    near = release_settings.nearest(name)
    hint = f"did you mean {settings.variable(near)}?" if near else ""
    if near or name[0] in release_settings.sections:
        return "airflow/unknown-setting", f"is no setting of Airflow {release_settings.version}", hint
    return "airflow/unknown-section", f"names the section [{name[0]}], which no provider of the image has", hint


def _misspelt(release_settings: Settings, variable: str) -> _Broken | None:
    if meant := release_settings.find_misspelled(variable):
        current = settings.variable(release_settings.honoured.get(meant) or release_settings.successor(meant) or meant)
        if variable not in (current, settings.variable(meant)):
            return "airflow/misspelt-variable", "is no name that Airflow reads", f"write {current}"
    return None
