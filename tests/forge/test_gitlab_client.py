"""described/gitlab.yaml, which we wrote, against GitLab's own client in Go: its request and its answers' fields.

GitLab's OpenAPI document is in no package registry; its client is, and names each field that a call takes.
"""

import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.cluster.builds.modules import download
from tests.forge.conftest import build_lock
from tests.forge.prism import DESCRIBED

CLIENT = "gitlab.com/gitlab-org/api/client-go@v1.46.0"
# What the client's types are on the wire; LabelOptions is one text with commas.
TYPES = {"string": "string", "int64": "integer", "[]int64": "array", "LabelOptions": "string", "bool": "boolean"}
PROJECT = "/api/v4/projects/{id}"
REQUEST = f"{PROJECT}/merge_requests/{{merge_request_iid}}"
# Each call that we make with fields (in the query or in the body), and the struct of them in the client.
CALLS = {
    ("get", f"{PROJECT}/merge_requests"): "ListProjectMergeRequestsOptions",
    ("post", f"{PROJECT}/merge_requests"): "CreateMergeRequestOptions",
    ("put", REQUEST): "UpdateMergeRequestOptions",
    ("get", f"{REQUEST}/notes"): "ListMergeRequestNotesOptions",
    ("post", f"{REQUEST}/notes"): "CreateMergeRequestNoteOptions",
    ("get", "/api/v4/users"): "ListUsersOptions",
}
ANSWERS = {PROJECT: "Project", REQUEST: "BasicMergeRequest", f"{REQUEST}/notes": "Note", "/api/v4/users": "User"}
# Still answered, though deprecated in favour of detailed_merge_status; the client has dropped it.
DROPPED = {"merge_status"}
METHODS = ("get", "post", "put", "patch", "delete")
Document = dict[str, Any]


@pytest.fixture(scope="session")
def client() -> dict[str, str]:
    """The client's structs: name -> what stands between the braces."""
    if not shutil.which("go"):
        pytest.skip("nothing to compare with: go is missing, which fetches GitLab's own client")
    with build_lock("gitlab-client"):
        folder = download(CLIENT)
    text = "\n".join(file.read_text() for file in sorted(folder.glob("*.go")))
    return dict(re.findall(r"^type (\w+) struct \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="session")
def described() -> Document:
    """Our description."""
    document: Document = yaml.safe_load((DESCRIBED / "gitlab.yaml").read_text())
    return document


def fields(client: dict[str, str], struct: str, tag: str) -> dict[str, str]:
    """A struct's fields as they are on the wire, those of the structs that it embeds included -> their type in Go."""
    found: dict[str, str] = {}
    for line in client[struct].splitlines():
        if embedded := re.fullmatch(r"\s+(\w+)", line):
            found |= fields(client, embedded[1], tag)
        elif named := re.fullmatch(rf'\s+\w+\s+(\S+)\s+`.*\b{tag}:"([\w\[\]-]+).*`', line):
            found[named[2]] = named[1].removeprefix("*")
    return found


def test_every_call_is_compared(described: Document) -> None:
    assert set(CALLS) | {("get", PROJECT), ("get", REQUEST)} == {
        (method, path) for path, operations in described["paths"].items() for method in operations if method in METHODS
    }


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_call_has_only_fields_that_gitlab_s_client_sends(
    client: dict[str, str], described: Document, method: str, path: str
) -> None:
    operation = described["paths"][path][method]
    if "requestBody" in operation:
        properties = operation["requestBody"]["content"]["application/json"]["schema"]["properties"]
        known = fields(client, CALLS[method, path], "json")
    else:
        properties = {each["name"]: each["schema"] for each in _resolved(described, operation["parameters"])}
        known = fields(client, CALLS[method, path], "url")
    assert {name: schema["type"] for name, schema in properties.items()} == {
        name: TYPES[known[name]] if name in known else "no such field" for name in properties
    }


@pytest.mark.parametrize("path", ANSWERS)
def test_an_answer_has_only_fields_that_gitlab_s_client_reads(
    client: dict[str, str], described: Document, path: str
) -> None:
    example = described["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["example"]
    if "$ref" in example:
        example = described["components"]["examples"]["open"]["value"]
    each = example[0] if isinstance(example, list) else example
    assert set(each) - set(fields(client, ANSWERS[path], "json")) - DROPPED == set()


def _resolved(document: Document, parameters: list[Document]) -> Iterator[Document]:
    for each in parameters:
        name = each.get("$ref", "").rpartition("/")[2]
        yield document["components"]["parameters"][name] if name else each
