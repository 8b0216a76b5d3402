"""Plan the edit of one value: an image, the DAG reference, a setting. Only the bytes of that value change.

Each returns a Plan, as a promotion does; its changes are empty where the value is set already.
"""

import re
from collections.abc import Callable, Sequence

from bootstrap.config.model import Environment
from bootstrap.core.changeset import ChangeSet
from bootstrap.core.errors import BadOption, BadSecret, BadTarget
from bootstrap.core.image import Image
from bootstrap.core.tree import Tree
from bootstrap.promotion import images, release
from bootstrap.promotion.merge import Move, Part
from bootstrap.promotion.plan import Plan
from bootstrap.promotion.release import ID, KUSTOMIZATION, RELEASE_ENV
from bootstrap.secrets import scan
from bootstrap.yamltools import envfile
from bootstrap.yamltools.text import editing

Edit = Callable[[Tree, Environment], Plan]

_REPOSITORY = "DAGS_REPOSITORY"
_REFERENCE = "DAGS_REFERENCE"
_SETTING = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:=(?P<value>.*)|(?P<minus>-))", re.DOTALL)
# git check-ref-format; no quote or `$` either, since the reference becomes part of JSON in which Airflow expands `$`.
_GIT_REFERENCE = re.compile(
    r"(?!-)(?!.*(?:\.\.|@\{|//|\.lock(?:/|$)|/\.))[^\x00-\x20\x7f~^:?*\[\\\"'$.][^\x00-\x20\x7f~^:?*\[\\\"'$]*"
)


def plan(tree: Tree, environment: Environment, edits: Sequence[Edit]) -> Plan:
    """Apply several edits of one environment, one after the other, as one plan."""
    before, plans = tree, []
    for edit in edits:
        plans.append(edit(tree, environment))
        tree = plans[-1].changes.apply(tree)
    return Plan.joined(before, tree, plans)


def named_image(tree: Tree, environment: Environment, text: str) -> Plan:
    """Set an image given as `NAME=IMAGE`. Raises BadOption."""
    name, equals, reference = text.partition("=")
    if not equals:
        raise BadOption(f"{text!r} is not of the form NAME=IMAGE", hint="for example airflow=apache/airflow:3.3.2")
    return image(tree, environment, name, reference)


def image(tree: Tree, environment: Environment, name: str, reference: str) -> Plan:
    """Set an image of an environment's release: name `airflow`, reference `apache/airflow:3.3.3`.

    Jobs are immutable. So with Airflow's image, RELEASE changes too, the id in the names of its Jobs.
    """
    current = release.load(tree, environment)
    new = Image.parse(reference)
    current_images = current.images()
    entry = images.find(current_images, name)
    if current_images[entry] == new:
        return Plan(changes=ChangeSet())
    path = current.at(KUSTOMIZATION)
    with editing(path):
        text = images.put(current.text(KUSTOMIZATION), entry, new)
    moved = [Move(part=Part.IMAGES, path=path, field=entry, before=str(current_images[entry]), after=str(new))]
    writes = {path: text.encode()}
    if entry == images.AIRFLOW:
        path = current.at(RELEASE_ENV)
        before = current.settings(RELEASE_ENV).get(ID)
        after = images.release_id(new, before or "")
        with editing(path):
            writes[path] = envfile.put(current.text(RELEASE_ENV), ID, after).encode()
        moved.append(Move(part=Part.IMAGES, path=path, field=ID, before=before, after=after))
    return Plan(changes=ChangeSet(writes=writes), moved=tuple(moved))


def dags(tree: Tree, environment: Environment, reference: str) -> Plan:
    """Set the branch, tag or commit of the DAG repository that an environment's release uses."""
    current = release.load(tree, environment)
    path = current.at(RELEASE_ENV)
    settings = current.settings(RELEASE_ENV)
    if not settings.get(_REPOSITORY):
        raise BadTarget(
            f"{path}: {_REPOSITORY} is empty, so there is no repository to take {reference!r} from",
            hint="set it there, and list the component dags-from-git in the overlay's kustomization.yaml",
        )
    if not _GIT_REFERENCE.fullmatch(reference) or reference.endswith((".", "/")):
        raise BadOption(f"{reference!r} is not a branch, tag or commit", hint="a whole commit id pins the very DAGs")
    before = settings.get(_REFERENCE)
    if before == reference:
        return Plan(changes=ChangeSet())
    with editing(path):
        text = envfile.put(current.text(RELEASE_ENV), _REFERENCE, reference)
    move = Move(part=Part.DAGS, path=path, field=_REFERENCE, before=before, after=reference)
    return Plan(changes=ChangeSet(writes={path: text.encode()}), moved=(move,))


def config(tree: Tree, environment: Environment, setting: str) -> Plan:
    """Set one of an environment's own settings, `NAME=VALUE`, or unset it, `NAME-`; `NAME=` sets an empty value.

    Raises BadSecret, which does not quote the value, for a secret: that must be sealed.
    """
    path = f"{environment.overlay}/airflow.env"
    match = _SETTING.fullmatch(setting)
    if not match:
        name = setting.partition("=")[0]
        quoted = repr(name) if re.fullmatch(r"[\w.-]{1,80}", name) else "this"  # may be a value, given without its name
        raise BadOption(
            f"{quoted} is not a setting",
            hint="write NAME=VALUE, for example AIRFLOW__CORE__PARALLELISM=64, or NAME- to unset",
        )
    name, value = match["name"], None if match["minus"] else match["value"]
    if value is not None:
        if scan.is_plain_setting(name, value):
            raise BadSecret(
                f"{name} holds a secret, and airflow.env is committed and rendered in the clear",
                hint="seal it into a Secret that the pods read, and leave it out of airflow.env",
            )
        if re.search(r"[\r\n\0]", value):
            raise BadOption(f"the value of {name} has a line end, which an env file can't hold")
    with editing(path):
        text = tree.get(path, b"").decode()
        before = envfile.read(text).get(name)
        edited = envfile.remove(text, name) if value is None else envfile.put(text, name, value)
    if edited == text:
        return Plan(changes=ChangeSet())
    move = Move(part=Part.SETTINGS, path=path, field=name, before=before, after=value)
    return Plan(changes=ChangeSet(writes={path: edited.encode()}), moved=(move,))
