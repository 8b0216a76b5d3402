"""Every hostile repo, class by class."""

from tests.security.cases import fetched, files, model, text, truth, yaml
from tests.security.hostile import Case

CASES: tuple[Case, ...] = (*model.CASES, *files.CASES, *yaml.CASES, *fetched.CASES, *text.CASES, *truth.CASES)
