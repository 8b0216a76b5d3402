"""The environment variables of an environment's containers, as settings of Airflow."""

from collections.abc import Iterator
from dataclasses import dataclass

from bootstrap.airflow import settings
from bootstrap.airflow.settings import Name
from bootstrap.airflow.values import expand
from bootstrap.validate.airflow_components import find_airflow, setting_place, values
from bootstrap.validate.context import EnvironmentContext, shared
from bootstrap.validate.pods import Container, Setting
from bootstrap.yamltools.positions import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """An environment variable of a container."""

    name: str
    setting: Setting
    container: Container

    @property
    def option(self) -> Name | None:
        """The option that its name spells, whether Airflow has it or not."""
        return settings.named(self.name)

    @property
    def place(self) -> Place:
        """Where it gets its value."""
        return setting_place(self.container, self.setting)

    @property
    def value(self) -> str | None:
        """Its value, references replaced; None where it is empty, or where only the cluster knows it."""
        return expand(self.setting.value, values(self.container)) if self.setting.value else None


@shared
def variables(env: EnvironmentContext) -> Iterator[Variable]:
    """Every variable of every container; one that many read from the same object, once."""
    seen: set[tuple[str, Setting]] = set()
    for container in find_airflow(env).containers:
        for name, setting in container.settings.items():
            if setting.kind is None or (name, setting) not in seen:
                seen.add((name, setting))
                yield Variable(name=name, setting=setting, container=container)
