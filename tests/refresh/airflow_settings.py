"""Make bootstrap/data/airflow/VERSION.json, the settings of an Airflow: python -m tests.refresh.airflow_settings 3.3.2

It downloads the released wheels and reads them, without installing or importing any of them.
"""

import ast
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from configparser import RawConfigParser
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).resolve().parents[2] / "bootstrap" / "data" / "airflow"
# Those of the official image (its Dockerfile's AIRFLOW_EXTRAS, and what they need), and three that teams often add:
# an executor, an auth manager and a log store.
PROVIDERS = (
    *("amazon", "celery", "cncf-kubernetes", "common-compat", "common-io", "common-messaging", "common-sql", "docker"),
    *("elasticsearch", "fab", "ftp", "git", "google", "grpc", "hashicorp", "http", "microsoft-azure", "mysql", "odbc"),
    *("openlineage", "postgres", "redis", "sendgrid", "sftp", "slack", "smtp", "snowflake", "ssh", "standard"),
    *("edge3", "keycloak", "opensearch"),
)
# Airflow 2 knew where the settings of Airflow 1 had gone; Airflow 3 forgot it, and ignores them without a word.
BEFORE = "apache-airflow<3"
# What a value is read as, by the method that reads it (airflow/_shared/configuration/parser.py).
READERS = {
    "get": "string",
    "getboolean": "boolean",
    "getint": "integer",
    "getfloat": "float",
    "getjson": "json",
    "getlist": "list",
    "getenum": "string",
    "getenumlist": "list",
    "getimport": "import",
    "gettimedelta": "integer",
    "get_mandatory_value": "string",
    "get_mandatory_list_value": "list",
}
# These replace what config.yml calls a string.
CLOSER = ("boolean", "integer", "float", "json", "import")
# Sections whose keys are handed on to a library, or named by the user.
FREE = frozenset(
    {"celery_broker_transport_options", "celery_result_backend_transport_options", "elasticsearch_configs"}
    | {"opensearch_configs", "sentry"}
)

Option = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A released package."""

    path: Path

    @property
    def label(self) -> str:
        """Its name and version."""
        name, version, *_ = self.path.stem.split("-")
        return f"{name.replace('_', '-')} {version}"

    @cached_property
    def files(self) -> dict[str, bytes]:
        """Its files that can say something about settings, by their path."""
        with zipfile.ZipFile(self.path) as archive:
            names = [name for name in archive.namelist() if name.endswith((".py", ".yml", ".cfg"))]
            return {name: archive.read(name) for name in names}

    @cached_property
    def modules(self) -> dict[str, ast.Module]:
        """Its Python modules that have to do with settings."""
        texts = {name: text for name, text in self.files.items() if name.endswith(".py") and b"conf" in text}
        return {name: ast.parse(text) for name, text in texts.items()}


def main(version: str) -> None:
    """Write the file of one release, from its own packages and the newest ones of its providers."""
    with tempfile.TemporaryDirectory() as folder:
        download(Path(folder), version)
        wheels = [Wheel(path=path) for path in sorted(Path(folder).glob("*.whl"))]
        data = settings(wheels, version)
    DATA.mkdir(parents=True, exist_ok=True)
    (DATA / f"{version}.json").write_text(dumped(data))


def download(folder: Path, version: str) -> None:
    """Fetch the wheels of Airflow's core and SDK of this version, of the providers, and of the last Airflow 2."""
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "-d", str(folder))
    subprocess.run([*pip, f"apache-airflow-core=={version}"], check=True)
    core = next(folder.glob("apache_airflow_core-*.whl"))
    with zipfile.ZipFile(core) as archive:
        metadata = next(archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA"))
    required = (line.removeprefix("Requires-Dist: ") for line in metadata.splitlines())
    sdk = next(line for line in required if line.startswith("apache-airflow-task-sdk"))
    providers = [f"apache-airflow-providers-{name}" for name in PROVIDERS]
    subprocess.run([*pip, sdk.partition(";")[0], BEFORE, *providers], check=True)


def settings(wheels: Iterable[Wheel], version: str) -> dict[str, Any]:
    """All that the packages say about settings, in the form of the file."""
    now = [wheel for wheel in wheels if not wheel.label.startswith("apache-airflow 2")]
    (then,) = (wheel for wheel in wheels if wheel.label.startswith("apache-airflow 2"))
    sections = dict[str, dict[str, Option]]()
    for wheel in now:
        for section, key, option in (*described(wheel), *fallbacks(wheel)):
            sections.setdefault(section, {}).setdefault(key, option)
    removed = dict(changes(now))
    for wheel in now:
        for section, key, kind in read_by_code(wheel):
            if (section, key) in removed and key not in sections.get(section, {}):
                continue  # a provider that runs on Airflow 2 too
            option = sections.setdefault(section, {}).setdefault(key, {"type": kind})
            if option["type"] == "string" and kind in CLOSER:
                option["type"] = kind
        for (section, key), values in enumerated(wheel):
            if key in sections.get(section, {}):  # Airflow names some that are long gone
                sections[section][key]["values"] = values
    honoured = {old: new for wheel in now for new, old in renamed(wheel) if not has(sections, old)}
    gone = {
        **{(section, key): None for section, key, _ in (*described(then), *fallbacks(then))},
        **{old: new for new, old in renamed(then)},
        **removed,
    }
    moved = {"kubernetes": "kubernetes_executor"}  # deprecated_sections of Airflow 2
    return {
        "airflow": version,
        "packages": sorted(wheel.label for wheel in now),
        "free": sorted(FREE & sections.keys()),
        "sections": {name: {key: spare(each) for key, each in sections[name].items()} for name in sections},
        "honoured": {".".join(old): ".".join(new) for old, new in honoured.items()},
        "ignored": {
            ".".join(old): ".".join(successor) if (successor := final(sections, gone, new)) else ""
            for old, new in gone.items()
            if not has(sections, old) and old not in honoured
        },
        "moved": moved,
    }


def described(wheel: Wheel) -> Iterator[tuple[str, str, Option]]:
    """The options that core's config.yml or a provider's information describes."""
    for name, text in wheel.files.items():
        config: Any = {}
        if name == "airflow/config_templates/config.yml":
            config = yaml.safe_load(text)
        elif name.endswith("/get_provider_info.py"):
            returned = next(node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Return))
            assert returned.value is not None
            config = ast.literal_eval(returned.value).get("config") or {}
        for section, told in config.items():
            for key, option in (told["options"] or {}).items():
                yield environment_name(section), key.lower(), described_option(option)


def described_option(option: dict[str, Any]) -> Option:
    """What a description says of one option."""
    kind, default = str(option.get("type") or "string"), option.get("default")
    # Some say that they are a number, and take a word besides.
    found: Option = {"type": kind if default in (None, "") or parses(kind, str(default)) else "string"}
    if option.get("sensitive"):
        found["sensitive"] = True
    if option.get("version_added"):
        found["since"] = str(option["version_added"])
    if option.get("version_deprecated"):
        found["deprecated"] = str(option["version_deprecated"])
    return found


def parses(kind: str, value: str) -> bool:
    """Whether a default is what its option's type says; one with a placeholder says nothing."""
    number = {"integer": int, "float": float}.get(kind)
    try:
        return "{" in value or number is None or number(value) is not None
    except ValueError:
        return False


def fallbacks(wheel: Wheel) -> Iterator[tuple[str, str, Option]]:
    """The options that core keeps for providers older than their own descriptions."""
    text = wheel.files.get("airflow/config_templates/provider_config_fallback_defaults.cfg")
    if text is not None:
        parser = RawConfigParser()
        parser.read_string(text.decode())
        for section in parser.sections():
            for key in parser.options(section):
                yield environment_name(section), key, {"type": "string"}


def read_by_code(wheel: Wheel) -> Iterator[tuple[str, str, str]]:
    """The options that code reads by their literal names, described or not, and as what."""
    for module in wheel.modules.values():
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in READERS:
                owner = ast.unparse(node.func.value).rpartition(".")[2]
                named = {word.arg: word.value for word in node.keywords if word.arg}
                arguments = [*node.args[:2], *(named[each] for each in ("section", "key") if each in named), None, None]
                section, key = arguments[:2]
                if owner in ("conf", "airflow_conf") and is_text(section) and is_text(key):
                    yield environment_name(text_of(section)), text_of(key).lower(), READERS[node.func.attr]


def enumerated(wheel: Wheel) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """The options of which only some values are taken: AirflowConfigParser.enums_options."""
    module = wheel.modules.get("airflow/configuration.py")
    for node in ast.walk(module) if module else ():
        if isinstance(node, ast.ClassDef) and node.name == "AirflowConfigParser":
            known: dict[str, list[str]] = {}
            for statement in node.body:
                if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.List):
                    known[ast.unparse(statement.targets[0])] = ast.literal_eval(statement.value)
                if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "enums_options":
                    assert isinstance(statement.value, ast.Dict)
                    for name, value in zip(statement.value.keys, statement.value.values, strict=True):
                        assert name is not None
                        if isinstance(value, ast.Call):
                            assert ast.unparse(value) == "sorted(WeightRule.all_weight_rules())"
                            yield ast.literal_eval(name), ["absolute", "downstream", "upstream"]
                        else:
                            yield ast.literal_eval(name), values_of(value, known)


def values_of(value: ast.expr, known: dict[str, list[str]]) -> list[str]:
    """A list of literals, of known lists, or of both."""
    if isinstance(value, ast.Name):
        return known[value.id]
    assert isinstance(value, ast.List)
    parts = (
        known[ast.unparse(item.value)] if isinstance(item, ast.Starred) else [ast.literal_eval(item)]
        for item in value.elts
    )
    return [each for part in parts for each in part]


def renamed(wheel: Wheel) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """New and old names: AirflowConfigParser.deprecated_options, under whose old names Airflow still looks."""
    for module in wheel.modules.values():
        for node in ast.walk(module):
            if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict):
                target = ast.unparse(node.target)
                if target == "deprecated_options":
                    for new, (section, key, _) in ast.literal_eval(node.value).items():
                        yield new, (section, key)
                elif target == "many_to_one_deprecated_options":
                    for new, olds in ast.literal_eval(node.value).items():
                        yield from ((new, (section, key)) for section, key, _ in olds)


def changes(wheels: Iterable[Wheel]) -> Iterator[tuple[tuple[str, str], tuple[str, str] | None]]:
    """What `airflow config lint` knows to be gone, and what it is called now: CONFIGS_CHANGES."""
    for module in (wheel.modules.get("airflow/cli/commands/config_command.py") for wheel in wheels):
        for node in ast.walk(module) if module else ():
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "ConfigChange":
                words = {word.arg: word.value for word in node.keywords}
                kept = isinstance(flag := words.get("was_removed"), ast.Constant) and flag.value is False
                if not kept and "remove_if_equals" not in words:
                    new = words.get("renamed_to")
                    yield parameter(words["config"]), parameter(new) if new else None


def parameter(call: ast.expr) -> tuple[str, str]:
    """The section and key of a ConfigParameter(...)."""
    assert isinstance(call, ast.Call)
    section, key = [ast.literal_eval(each) for each in (*call.args, *(word.value for word in call.keywords))]
    return section, key


def final(
    sections: dict[str, dict[str, Option]],
    gone: dict[tuple[str, str], tuple[str, str] | None],
    new: tuple[str, str] | None,
) -> tuple[str, str] | None:
    """Where a name leads in the end: a successor may have one itself. None where that is gone too."""
    for _ in range(5):
        if new is None or has(sections, new):
            return new
        new = gone.get(new)
    return None


def has(sections: dict[str, dict[str, Option]], name: tuple[str, str]) -> bool:
    """Whether an option is known."""
    return name[1] in sections.get(environment_name(name[0]), {})


def environment_name(section: str) -> str:
    """A section as environment variables name it (`_env_var_name`): they hold no dots."""
    return section.lower().replace(".", "_")


def spare(option: Option) -> Option | str:
    """An option in its shortest form: of one that is no more than a type, the type."""
    return option["type"] if [*option] == ["type"] else option


def dumped(data: dict[str, Any]) -> str:
    """The file's text: sorted, one option a line, so that the difference of two releases reads well."""
    sections = {name: block(options, "   ") for name, options in data["sections"].items()}
    parts = {name: json.dumps(data[name]) for name in ("airflow", "packages", "free")}
    parts["sections"] = "{\n" + ",\n".join(f'  "{name}": {sections[name]}' for name in sorted(sections)) + "\n }"
    parts |= {name: block(data[name], "  ") for name in ("honoured", "ignored", "moved")}
    return "{\n" + ",\n".join(f' "{name}": {text}' for name, text in parts.items()) + "\n}\n"


def block(entries: dict[str, Any], indent: str) -> str:
    """A mapping, by name and each entry on a line."""
    told = ",\n".join(f"{indent}{json.dumps(name)}: {json.dumps(entries[name])}" for name in sorted(entries))
    return f"{{\n{told}\n{indent[:-1]}}}"


def is_text(node: Any) -> bool:
    """Whether a node is a literal string."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def text_of(node: Any) -> str:
    """The literal string."""
    return str(node.value)


if __name__ == "__main__":
    main(*sys.argv[1:])
