"""CI workflow of an environment repo: `taxiway validate` on every pull request, and `taxiway diff` as a comment.

The author of a pull request controls every file that the first job reads. So taxiway is installed from `.taxiway/` of
the base branch, with hashes; the job has read-only rights, and runs taxiway without any environment variable that could
hold a credential. Only the second job may comment; it gets the text and checks out the base branch.
"""

import json
import re
from collections.abc import Mapping
from textwrap import indent

from bootstrap.config.model import Model
from bootstrap.config.remote import Forge
from bootstrap.core.tree import Tree
from bootstrap.scaffold.wheel import FOLDER, REQUIREMENTS

# Pinned by commit, since a tag of https://github.com/actions/checkout can be moved.
_CHECKOUT = "actions/checkout@8e8c483db84b4bee98b60c0593521ed34d9990e8 # v6.0.1"
_IMAGE = "python:3.13"

_ACTIONS = """# Neither job runs anything of the pull request: taxiway comes from <folder>/ of the base branch.
name: taxiway
on:
  pull_request:
  push:
    branches: [@branch@]
<none>jobs:
  validate:
    runs-on: <runner>
<container><read>    env:
      BASE: ${{ github.event.pull_request.base.sha }}
    outputs:
      comment: ${{ steps.difference.outputs.comment }}
    steps:
      - name: Get both sides of the change
        <checkout-both>
      - name: Get taxiway from the base branch
        run: |
          <install>
      - name: Validate the environments that change
        run: <taxiway> validate ${BASE:+--since "$BASE"} --output github
      - name: Tell what changes in the cluster
        id: difference
        if: ${{ !cancelled() && github.event_name == 'pull_request' }}
        run: |
          <taxiway> diff --from "$BASE" --output comment > "$RUNNER_TEMP/comment.md"
          # As one line of base64: no text of the repository can end the value or begin another one.
          echo "comment=$(base64 -w0 "$RUNNER_TEMP/comment.md")" >> "$GITHUB_OUTPUT"
  comment:
    needs: validate
    # A fork's token may not comment.
    if: >-
      ${{ !cancelled() && needs.validate.outputs.comment != ''
      && github.event.pull_request.head.repo.full_name == github.repository }}
    runs-on: <runner>
<container><write>    env:
      BASE: HEAD
    steps:
      - name: Get the base branch
        <checkout-base>
      - name: Get taxiway from it
        run: |
          <install>
      - name: Tell the pull request
        run: echo "$COMMENT" | base64 -d | "$RUNNER_TEMP/taxiway/bin/taxiway" comment "$NUMBER" -
        env:
          COMMENT: ${{ needs.validate.outputs.comment }}
          NUMBER: ${{ github.event.pull_request.number }}
          TAXIWAY_TOKEN: ${{ github.token }}
"""

_GITLAB = """# Neither job runs anything of the merge request: taxiway comes from <folder>/ of the base branch.
stages: [validate, comment]

validate:
  stage: validate
  image: <image>
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
  variables:
    # The other side of the change, too.
    GIT_DEPTH: "0"
  script:
    # The job's token is in the URL that GitLab's runner cloned from.
    - git remote set-url origin "$CI_PROJECT_URL.git"
    - BASE="${CI_MERGE_REQUEST_DIFF_BASE_SHA:-}"
    - RUNNER_TEMP="$(mktemp -d)"
    - |
      <install>
    # Outside of the work tree first: a file in it would be a change.
    - <taxiway> validate ${BASE:+--since "$BASE"} --output gitlab > "$RUNNER_TEMP/quality.json" || true
    - test -z "$BASE" || <taxiway> diff --from "$BASE" --output comment > "$RUNNER_TEMP/comment.md" || FAILED=1
    - <taxiway> validate ${BASE:+--since "$BASE"} || FAILED=1
    # Whatever the merge request has put there, such as a link to another place.
    - rm -rf gl-code-quality-report.json taxiway-comment.md
    - mv "$RUNNER_TEMP/quality.json" gl-code-quality-report.json
    - test ! -s "$RUNNER_TEMP/comment.md" || mv "$RUNNER_TEMP/comment.md" taxiway-comment.md
    - test -z "${FAILED:-}"
  artifacts:
    when: always
    paths: [taxiway-comment.md]
    reports:
      codequality: gl-code-quality-report.json

# A job's own token may not comment. Give the project a variable TAXIWAY_TOKEN, masked, with the environment scope
# taxiway-comment, so that no other job gets it: a project access token with the role Reporter and the scope api.
comment:
  stage: comment
  image: <image>
  needs: [validate]
  rules:
    # A fork's pipeline has its own variables. (For a merge request alone has both of these.)
    - if: $CI_MERGE_REQUEST_SOURCE_PROJECT_ID && $CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID
      when: always
  environment:
    name: taxiway-comment
    action: access
  variables:
    GIT_STRATEGY: clone
    GIT_DEPTH: "0"
    # Nothing of the merge request, but for the text that the job before has made.
    GIT_CHECKOUT: "false"
  script:
    - test -n "${TAXIWAY_TOKEN:-}" || { echo "There is no TAXIWAY_TOKEN to comment with."; exit 0; }
    - test -f taxiway-comment.md || { echo "The job before has made no comment."; exit 0; }
    - BASE="$CI_MERGE_REQUEST_DIFF_BASE_SHA"
    - git checkout --quiet --force --detach "$BASE"
    - RUNNER_TEMP="$(mktemp -d)"
    - |
      <install>
    - '"$RUNNER_TEMP/taxiway/bin/taxiway" comment "$CI_MERGE_REQUEST_IID" taxiway-comment.md'
"""

_PART = re.compile(r"(?m)^( +)<([a-z-]+)>$|<([a-z-]+)>")

_INSTALL = """mkdir "$RUNNER_TEMP/base"
git archive --output "$RUNNER_TEMP/base.tar" "${BASE:-HEAD}" <folder>
tar -xf "$RUNNER_TEMP/base.tar" -C "$RUNNER_TEMP/base"
python3 -I -m venv "$RUNNER_TEMP/taxiway"
(cd "$RUNNER_TEMP/base/<folder>" && "$RUNNER_TEMP/taxiway/bin/python" -I -m pip install --disable-pip-version-check \\
  --no-deps --only-binary :all: --require-hashes -r <requirements>)"""

# The process that reads the pull request's files gets neither the job's token nor a variable of the project.
_TAXIWAY = 'env -i PATH="$PATH" HOME="$HOME" "$RUNNER_TEMP/taxiway/bin/taxiway"'

_GITHUB_BOTH = """uses: <checkout>
with:
  fetch-depth: 0
  persist-credentials: false"""

_GITHUB_BASE = """uses: <checkout>
with:
  ref: ${{ github.event.pull_request.base.sha }}
  persist-credentials: false"""

# With Git itself: `uses: actions/checkout` would resolve to whatever the server's DEFAULT_ACTIONS_URL has there.
_GIT_BOTH = """run: |
  <clone>
  git fetch --quiet origin "+refs/heads/*:refs/remotes/origin/*" "$GITHUB_REF"
  git checkout --quiet --detach "$GITHUB_SHA"
env:
  TOKEN: ${{ github.token }}"""

_GIT_BASE = """run: |
  <clone>
  git fetch --quiet --depth 1 origin "refs/heads/$GITHUB_BASE_REF"
  git checkout --quiet --detach FETCH_HEAD
env:
  TOKEN: ${{ github.token }}"""

_CLONE = """git init --quiet
git remote add origin "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY.git"
# For these commands alone, and for this host.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="http.$GITHUB_SERVER_URL/.extraHeader"
export GIT_CONFIG_VALUE_0="Authorization: Basic $(printf 'taxiway:%s' "$TOKEN" | base64 -w0)\""""


def workflow_path(forge: Forge) -> str:
    """The path where the forge expects its workflow."""
    return ".gitlab-ci.yml" if forge is Forge.GITLAB else f".{forge.value}/workflows/taxiway.yaml"


def plan(model: Model) -> Tree:
    """The workflow of the repo's forge."""
    forge = model.forge
    parts = {
        "install": _INSTALL,
        "taxiway": _TAXIWAY,
        "folder": FOLDER,
        "requirements": REQUIREMENTS,
        "image": _IMAGE,
        "checkout": _CHECKOUT,
        "clone": _CLONE,
        "checkout-both": _GITHUB_BOTH if forge is Forge.GITHUB else _GIT_BOTH,
        "checkout-base": _GITHUB_BASE if forge is Forge.GITHUB else _GIT_BASE,
        "runner": "docker" if forge is Forge.FORGEJO else "ubuntu-latest",
        "container": "" if forge is Forge.GITHUB else "    container: <image>\n",
        # Gitea reads `permissions` since 1.26 and ignores them before; Forgejo has none and warns.
        **dict.fromkeys(("none", "read", "write"), ""),
    }
    if forge in (Forge.GITHUB, Forge.GITEA):
        parts["none"] = "permissions: {}\n"
        parts["read"] = "    permissions:\n      contents: read\n"
        parts["write"] = f"{parts['read']}      pull-requests: write\n"
    workflow = _fill(_GITLAB if forge is Forge.GITLAB else _ACTIONS, parts)
    workflow = workflow.replace("@branch@", json.dumps(model.branch))
    return Tree({workflow_path(forge): workflow.encode()})


def _fill(text: str, parts: Mapping[str, str]) -> str:
    """Replace each `<part>` of a template, also inside of parts; a part on a line of its own keeps its indentation."""

    def replacement(match: re.Match[str]) -> str:
        return indent(parts[match[2]], match[1]) if match[2] else parts[match[3]]

    while (filled := _PART.sub(replacement, text)) != text:
        text = filled
    return text
