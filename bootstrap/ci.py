"""What the environment repo's forge runs on every pull request: `taxiway validate`, and what the change does."""

from bootstrap import __version__
from bootstrap.model import Model
from bootstrap.remote import Forge
from bootstrap.tree import Tree

# kubectl comes along for runners that have neither it nor kustomize.
_PACKAGE = f"taxiway[kubectl]=={__version__}"

# Gitea and Forgejo read the same language as GitHub, and the annotations on its standard output.
_ACTIONS = """name: taxiway
on:
  pull_request:
  push:
    branches: [{branch}]
{permissions}jobs:
  validate:
    runs-on: {runner}
    env:
      BASE: ${{{{ github.event.pull_request.base.sha }}}}
    steps:
      - uses: actions/checkout@v4
        with:
          # The other side of the change, too.
          fetch-depth: 0
      - uses: actions/setup-python@v5
        with:
          python-version: "3.13"
      - name: Get taxiway
        run: pip install --quiet '{package}'
      - name: Validate the environments that change
        run: taxiway validate ${{BASE:+--since "$BASE"}} --output github
      - name: Tell the pull request what changes in the cluster
        # A fork's token may not comment.
        if: >-
          !cancelled() && github.event_name == 'pull_request'
          && github.event.pull_request.head.repo.full_name == github.repository
        run: taxiway diff --from "$BASE" --comment "$NUMBER"
        env:
          NUMBER: ${{{{ github.event.pull_request.number }}}}
          TAXIWAY_TOKEN: ${{{{ github.token }}}}
"""

_GITLAB = """# Validates the environments that change, and tells the merge request what changes in the cluster.
validate:
  image: python:3.13
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
  variables:
    # The other side of the change, too.
    GIT_DEPTH: "0"
  script:
    - pip install --quiet '{package}'
    - SINCE="${{CI_MERGE_REQUEST_DIFF_BASE_SHA:+--since $CI_MERGE_REQUEST_DIFF_BASE_SHA}}"
    # Outside of the work tree first: a file in it would be a change.
    - taxiway validate $SINCE --output gitlab > /tmp/taxiway.json || true
    # A job's own token may not comment: give the project a variable TAXIWAY_TOKEN, with the scope api.
    - |
      if [ -n "${{CI_MERGE_REQUEST_IID:-}}" ] && [ -n "${{TAXIWAY_TOKEN:-}}" ]; then
        taxiway diff --from "$CI_MERGE_REQUEST_DIFF_BASE_SHA" --comment "$CI_MERGE_REQUEST_IID"
      fi
    - taxiway validate $SINCE || FAILED=1
    - mv /tmp/taxiway.json gl-code-quality-report.json
    - test -z "${{FAILED:-}}"
  artifacts:
    when: always
    reports:
      codequality: gl-code-quality-report.json
"""


def workflow_path(forge: Forge) -> str:
    """Where the forge looks for its workflow."""
    return ".gitlab-ci.yml" if forge is Forge.GITLAB else f".{forge.value}/workflows/taxiway.yaml"


def plan(model: Model) -> Tree:
    """The workflow of the repo's forge."""
    if model.forge is Forge.GITLAB:
        workflow = _GITLAB.format(package=_PACKAGE)
    else:
        permissions = "permissions:\n  contents: read\n  pull-requests: write\n"
        workflow = _ACTIONS.format(
            branch=f'"{model.branch}"',
            # Gitea and Forgejo know no permissions and warn.
            permissions=permissions if model.forge is Forge.GITHUB else "",
            runner="docker" if model.forge is Forge.FORGEJO else "ubuntu-latest",
            package=_PACKAGE,
        )
    return Tree({workflow_path(model.forge): workflow.encode()})
