"""Files that are none, or that nobody should read."""

from tests.validate.cases import Broken, write

CASES = (
    Broken(
        name="a link out of the repository",
        rule="files/link-leaves",
        at=("overlays/dev/hosts", ""),
        links={"overlays/dev/hosts": "/etc/hosts"},
    ),
    Broken(
        name="a link into Git's own folder",
        rule="files/link-leaves",
        at=("base/config", ""),
        links={"base/config": "../.git/config"},
    ),
    Broken(
        name="a link into another environment",
        rule="files/link-into-environment",
        at=("overlays/dev/other.env", ""),
        links={"overlays/dev/other.env": "../complete/airflow.env"},
    ),
    Broken(
        name="links in a circle",
        rule="files/link-broken",
        at=("overlays/dev/circle", ""),
        links={"overlays/dev/circle": "circle"},
    ),
    Broken(
        name="a FIFO",
        rule="files/not-regular",
        at=("overlays/dev/pipe", ""),
        pipe="overlays/dev/pipe",
    ),
    Broken(
        name="a file that is too large",
        rule="files/too-large",
        at=("docs/tour.mp4", ""),
        edits=(write("docs/tour.mp4", "." * (10 * 1024 * 1024 + 1)),),
    ),
    Broken(
        name="YAML whose aliases stand for billions of values",
        rule="files/yaml-limits",
        at=("docs/laughs.yaml", "f: &f"),
        edits=(
            write(
                "docs/laughs.yaml",
                "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
                + "".join(
                    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
                    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
                ),
            ),
        ),
    ),
)
