"""Rules about secrets: none in the clear, and each sealed one such that the cluster can open it."""

from collections.abc import Iterator
from datetime import datetime

from bootstrap.lint import (
    secrets_binding,
    secrets_certificate,
    secrets_ciphertext,
    secrets_items,
    secrets_plain,
    secrets_unused,
)
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.violation import Finding

RULES = (
    *secrets_plain.RULES,
    *secrets_ciphertext.RULES,
    *secrets_binding.RULES,
    *secrets_unused.RULES,
    *secrets_certificate.RULES,
)


def check(scene: EnvironmentContext) -> Iterator[Finding]:
    """All that is wrong with the environment's secrets on any day."""
    sealed = list(secrets_items.read(scene))
    told = [each for item in sealed for each in secrets_ciphertext.check(scene, item)]
    yield from told
    yield from secrets_plain.check(scene, {each.place for each in told})
    yield from secrets_binding.check(scene, sealed)
    yield from secrets_unused.check(scene, sealed)
    yield from secrets_certificate.check(scene)


def aging(scene: EnvironmentContext, now: datetime) -> Iterator[Finding]:
    """What is wrong today and was not before, though no file changed."""
    yield from secrets_certificate.aging(scene, now)


def turns(scene: EnvironmentContext) -> tuple[datetime, ...]:
    """When `aging` begins to say something else."""
    return secrets_certificate.turns(scene)
