"""Text that means something to a terminal, a CI log, a commit or a forge."""

from tests.security.hostile import Case, Place

MODEL = "taxiway.yaml"
CLEAR = "\x1b[2J\x1b]0;owned\x07"


def _setting(name: str, value: str) -> Case:
    def plant(place: Place) -> None:
        place.write("overlays/dev/release/airflow.env", place.read("overlays/dev/release/airflow.env") + value + "\n")

    return Case(name=f"text: {name} in a setting", plant=plant)


def _file(name: str, path: str | bytes) -> Case:
    def plant(place: Place) -> None:
        raw = path if isinstance(path, bytes) else path.encode()
        target = str(place.repo).encode() + b"/overlays/dev/" + raw
        with open(target, "wb") as file:  # noqa: PTH123  (a name that is no text)
            file.write(b"kind: x\n")

    return Case(name=f"text: {name} in a file's name", plant=plant)


def _hold(name: str, reason: str) -> Case:
    def plant(place: Place) -> None:
        hold = f"\n  hold:\n    reason: {reason}\n    by: someone\n    since: '2026-01-01'"
        place.edit(MODEL, "namespace: airflow-prod", f"namespace: airflow-prod{hold}")

    return Case(name=f"text: {name} in a hold", plant=plant)


def _image(name: str, tag: str) -> Case:
    def plant(place: Place) -> None:
        path = "overlays/dev/release/kustomization.yaml"
        place.write(path, place.read(path).replace("newTag: 3.3.2", f"newTag: {tag}", 1))

    return Case(name=f"text: {name} in a tag", plant=plant)


def _off(place: Place) -> None:
    reason = "\\e[2J::error::x @everyone [skip ci]"
    place.write(
        MODEL,
        place.read(MODEL) + f'validate:\n  "off":\n  - rule: airflow/unknown-setting\n    reason: "{reason}"\n',
    )


CASES = (
    _setting("an escape sequence", f"AIRFLOW__CORE__PARALELISM={CLEAR}"),
    _setting("a workflow command", "::error::AIRFLOW__CORE__PARALELISM=::add-mask::x"),
    _setting("a mention and HTML", "AIRFLOW__CORE__PARALELISM=@everyone <img src=x> [skip ci] --> #1"),
    _setting("the end of a code fence", "AIRFLOW__CORE__PARALELISM=```` </details> |"),
    _setting("a right-to-left override", "AIRFLOW__CORE__PARALELISM=\u202e\u2066x"),
    _file("an escape sequence", f"{CLEAR}.yaml"),
    _file("a line end and a workflow command", "x\n::error::owned.yaml"),
    _file("a carriage return", "x\r::error::owned.yaml"),
    _file("bytes that are no text", b"\xff\xfe\x1b.yaml"),
    _file("a pattern", ":(exclude)*"),
    _file("an option", "--output=owned"),
    _hold("an escape sequence", '"\\e[2J\\e[1;31mowned"'),
    _hold("a line end and a trailer", '"x\\n\\nSigned-off-by: someone <s@example.com>"'),
    _hold("a workflow command", '"::warning::x"'),
    _image("an escape sequence", '"3.3.2\\e[2J"'),
    _image("a workflow command", '"::add-mask::x"'),
    Case(name="text: in the reason of a rule that is off", plant=_off),
)
