"""taxiway.yaml as a stranger may write it: URLs that lead elsewhere, names that are paths, values of other kinds."""

import os
from collections.abc import Mapping

from tests.security.hostile import Case, Place

MODEL = "taxiway.yaml"
URL = "repository: https://git.example.com/acme/airflow-environments.git"
_REFUSED = r"taxiway\.yaml:\d+: "


def _line(name: str, old: str, new: str, told: str = _REFUSED) -> Case:
    def plant(place: Place) -> None:
        place.edit(MODEL, old, new)

    return Case(name=name, plant=plant, says=_everywhere(told))


def _everywhere(told: str) -> Mapping[str, str]:
    return dict.fromkeys(("env list", "render", "diff", "validate", "set", "promote", "env add"), told)


def _whole(name: str, text: str | bytes, told: str) -> Case:
    return Case(name=name, plant=lambda place: place.write(MODEL, text), says=_everywhere(told))


def _repository(name: str, value: str) -> Case:
    return _line(f"repository: {name}", URL, f"repository: {value}")


def _entry(name: str, old: str, new: str) -> Case:
    return _line(f"environment: {name}", old, new)


def _fifo(place: Place) -> None:
    place.remove(MODEL)
    os.mkfifo(place.repo / MODEL)


def _folder(place: Place) -> None:
    place.remove(MODEL)
    (place.repo / MODEL).mkdir()


def _link(place: Place) -> None:
    place.link(MODEL, place.outside / "secret.txt")


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)

CASES = (
    _repository("line end for Git's credential protocol", '"https://git.example.com/acme/a.git\\nhost=evil.example"'),
    _repository("percent-encoded line end", "https://git.example.com/acme/a%0ahost=evil.example.git"),
    _repository("query", "https://git.example.com/acme/a.git?x=y"),
    _repository("fragment", "https://git.example.com/acme/a.git#x"),
    _repository("user info", "https://git.example.com:443@evil.example/acme/a.git"),
    _repository("backslash before the host", "https://evil.example\\\\@git.example.com/acme/a.git"),
    _repository("option in place of the host", "ssh://-oProxyCommand=touch${IFS}owned/acme/a.git"),
    _repository("transport that runs a command", "'ext::sh -c touch% owned'"),
    _repository("file", "file:///etc/passwd"),
    _repository("dots in the path", "https://git.example.com/../../acme/a.git"),
    _repository("right-to-left override", '"https://git.example.com/acme/\\u202etig.a"'),
    _repository("a list", "[https://git.example.com/acme/a.git]"),
    _line("web: a line end", URL, f'{URL}\nweb: "https://evil.example\\n"'),
    _line("web: plain HTTP", URL, f"{URL}\nweb: http://evil.example"),
    _line("web: user info", URL, f"{URL}\nweb: https://git.example.com@evil.example/"),
    _line("web: query", URL, f"{URL}\nweb: https://evil.example/?a=b"),
    _line("branch: an option", "branch: main", "branch: --upload-pack=touch owned"),
    _line("branch: escape sequence", "branch: main", 'branch: "main\\e]0;owned\\a"'),
    _entry("dots in the name", "- name: dev", "- name: ../../../outside"),
    _entry("slash in the name", "- name: dev", "- name: dev/secrets"),
    _entry("name of Git's folder", "- name: dev", "- name: .git"),
    _entry("escape sequence in the name", "- name: dev", '- name: "dev\\e[2J"'),
    _entry("dots in the cluster", "cluster: default", "cluster: ../../outside"),
    _entry("Kubernetes' own namespace", "namespace: airflow-dev", "namespace: kube-system"),
    _entry("a line end in the namespace", "namespace: airflow-dev", '"namespace": "airflow-dev\\n  evil: x"'),
    _entry("a name that is a mapping", "- name: dev", "- name: {a: b}"),
    _line("forge that is none", "forge: github", 'forge: "github\\e[31m"', r"taxiway\.yaml"),
    _whole("taxiway.yaml: aliases that multiply", f"{BOMB}environments: *a11\n", r"taxiway\.yaml"),
    _whole("taxiway.yaml: nested without end", "[" * 200_000, r"taxiway\.yaml"),
    _whole("taxiway.yaml: too large", "environments:\n" + "- x: y\n" * 3_000_000, r"taxiway\.yaml"),
    _whole("taxiway.yaml: binary", bytes(range(256)) * 4, r"taxiway\.yaml"),
    _whole("taxiway.yaml: a Python object", "!!python/object/apply:os.system ['touch owned']\n", r"taxiway\.yaml"),
    _whole("taxiway.yaml: empty", "", r"taxiway\.yaml"),
    Case(name="taxiway.yaml: FIFO", plant=_fifo, says={"env list": "taxiway.yaml"}, committed=False),
    Case(name="taxiway.yaml: folder", plant=_folder, says={"env list": "taxiway.yaml"}, committed=False),
    Case(name="taxiway.yaml: link out of the repo", plant=_link, says=_everywhere(r"taxiway\.yaml")),
)
