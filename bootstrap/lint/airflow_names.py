"""Rules about the names of Airflow's settings: of a wrong one nobody hears, the default holds."""

from collections.abc import Iterator

from bootstrap.airflow import settings as airflow_settings
from bootstrap.airflow.settings import Name, Settings
from bootstrap.lint import airflow_components, airflow_values
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.violation import Finding, Rule, Severity

MISSPELT = Rule(
    name="airflow/misspelt-variable",
    severity=Severity.ERROR,
    title="A setting's variable is spelt AIRFLOW__SECTION__KEY, in capitals, with two underscores twice.",
    why="Airflow looks for that exact name alone; it never sees this one, and the setting keeps its default.",
    fix="Spell it as Airflow does.",
)
UNKNOWN = Rule(
    name="airflow/unknown-setting",
    severity=Severity.ERROR,
    title="A variable names a setting that Airflow knows.",
    why="Airflow reads the settings that it knows and passes over all others without a word: the default holds.",
    fix="Correct the name, or remove the variable.",
)
UNKNOWN_SECTION = Rule(
    name="airflow/unknown-section",
    severity=Severity.WARNING,
    title="A variable names a section of Airflow, or of a provider in its official image.",
    why="Unless a provider or plugin of your own reads that section, nobody does.",
    fix="Correct the section; where a plugin reads it, switch this rule off in taxiway.yaml.",
)
RENAMED = Rule(
    name="airflow/renamed-setting",
    severity=Severity.ERROR,
    title="A setting has the name that this release of Airflow reads.",
    why="Airflow 3 forgot the names that Airflow 2 still took for old ones: it ignores them without a warning.",
    fix="Give it its present name.",
)
REMOVED = Rule(
    name="airflow/removed-setting",
    severity=Severity.WARNING,
    title="A setting still exists in this release of Airflow.",
    why="An earlier release read it, this one ignores it: what it was set for does not happen.",
    fix="Remove it; Airflow's release notes say what took its place.",
)
OLD = Rule(
    name="airflow/old-setting",
    severity=Severity.WARNING,
    title="A setting has its present name, although Airflow still takes the old one.",
    why="A later release stops looking under the old name, and says nothing then.",
    fix="Give it its present name.",
)
NOT_SENSITIVE = Rule(
    name="airflow/not-sensitive",
    severity=Severity.ERROR,
    title="_CMD and _SECRET stand behind the name of a sensitive setting.",
    why="For settings marked as sensitive alone does Airflow run a command or ask its secrets backend.",
    fix="Set the value itself.",
)
RULES = (MISSPELT, UNKNOWN, UNKNOWN_SECTION, RENAMED, REMOVED, OLD, NOT_SENSITIVE)


def check(scene: EnvironmentContext) -> Iterator[Finding]:
    """All variables of all containers that are no settings, and look like some."""
    settings = airflow_components.of(scene).settings
    for container, variable, setting in airflow_components.variables(scene) if settings else ():
        verdict = _verdict(settings, variable) if settings else None
        if verdict and not airflow_values.is_local(variable, setting.value):
            rule, message, hint = verdict
            yield scene.finding(rule, airflow_components.place_of(container, setting), message, hint)


def _verdict(settings: Settings, variable: str) -> tuple[Rule, str, str] | None:
    name = airflow_settings.named(variable)
    if name is None:
        return _spelling(settings, variable)
    if settings.takes(name):
        option = settings.options.get(name)
        if option is not None and option.deprecated:
            return OLD, f"{variable} is deprecated since Airflow {option.deprecated}", ""
        return None
    if new := settings.honoured.get(name):
        wanted = airflow_settings.variable(new)
        return OLD, f"{variable} is the old name of {wanted}", f"write {wanted}"
    if new := settings.successor(name):
        wanted = airflow_settings.variable(new)
        return RENAMED, f"{variable} is ignored: the setting is called {wanted} now", f"write {wanted}"
    if verdict := _spelling(settings, variable):
        return verdict
    if settings.is_gone(name):
        return REMOVED, f"{variable} is ignored: Airflow {settings.version} has no such setting any more", ""
    if plain := settings.plain(name):
        wanted = airflow_settings.variable(plain)
        return NOT_SENSITIVE, f"{variable} is ignored: {wanted} is not a sensitive setting", f"set {wanted} itself"
    return _unknown(settings, variable, name)


def _spelling(settings: Settings, variable: str) -> tuple[Rule, str, str] | None:
    if meant := settings.meant(variable):
        wanted = airflow_settings.variable(settings.honoured.get(meant) or settings.successor(meant) or meant)
        if variable not in (wanted, airflow_settings.variable(meant)):
            return MISSPELT, f"{variable} is no name that Airflow reads", f"write {wanted}"
    return None


def _unknown(settings: Settings, variable: str, name: Name) -> tuple[Rule, str, str]:
    near = settings.nearest(name)
    hint = f"did you mean {airflow_settings.variable(near)}?" if near else ""
    if name[0] in settings.sections or near:
        return UNKNOWN, f"{variable} is no setting of Airflow {settings.version}", hint
    return UNKNOWN_SECTION, f"{variable} names the section [{name[0]}], which no provider of the image has", hint
