"""Rules about what kustomize leaves in pods, those in the text of a ConfigMap included: that it never edits."""

from collections import defaultdict
from collections.abc import Iterator

from bootstrap.kubernetes.objects import generated_names
from bootstrap.kustomize import image_names
from bootstrap.validate import pods
from bootstrap.validate.context import EnvironmentContext, dig, items
from bootstrap.validate.pods import Container, Pod
from bootstrap.validate.violation import Finding, Rule, Severity
from bootstrap.yamltools.positions import Place

FLOATING_IMAGE = Rule(
    name="kustomize/floating-image",
    severity=Severity.ERROR,
    title="Each image has a tag other than latest, or a digest.",
    why="Without one the registry decides at each pull: two pods of one commit run different versions, and a revert"
    " brings nothing back.",
    fix="Give it a newTag in the release's images.",
)
HASHED_NAME = Rule(
    name="kustomize/hashed-name",
    severity=Severity.ERROR,
    title="What a pod template names has no hash in its name.",
    why="Kustomize writes its hashes into objects, not into the text of a ConfigMap: workers wait for an object that"
    " has another name.",
    fix="Set options.disableNameSuffixHash: true on the generator.",
)
RULES = (FLOATING_IMAGE, HASHED_NAME)


def check(scene: EnvironmentContext, *, explained: bool) -> Iterator[Finding]:
    """All that is wrong with images and names; missing tags only where no other finding has `explained` them."""
    yield from _images(scene, explained)
    hashed = {(kind, name): full for kind, name, full in _hashed(scene)}
    for pod in pods.of(scene):
        for kind, name, place in _names(pod) if pod.key is not None and hashed else ():
            if (full := hashed.get((kind, name))) is not None:
                owner = scene.called(kind, name)
                where = f" at {scene.trace.object(owner)}" if owner else ""
                message = f"{pod} names the {kind} {name}, which kustomize calls {full}"
                hint = f"Set options.disableNameSuffixHash: true on its generator{where}."
                yield scene.finding(HASHED_NAME, place, message, hint)


def _images(scene: EnvironmentContext, explained: bool) -> Iterator[Finding]:
    using: dict[tuple[Place, str], list[Container]] = defaultdict(list)
    for pod in pods.of(scene):
        for container in pod.containers:
            image = container.data.get("image")
            if not isinstance(image, str) or not image or "@" in image:
                continue
            tag = image_names.tag_of(image)
            if tag == "latest" or (tag is None and not explained):
                using[container.place("image"), image].append(container)
    for (place, image), containers in using.items():
        first = f"container {containers[0].name} of {containers[0].pod}"
        others = f" and {len(containers) - 1} more" if len(containers) > 1 else ""
        state = "is latest, whatever that is" if image_names.tag_of(image) else "has neither tag nor digest"
        yield scene.finding(
            FLOATING_IMAGE, place, f"the image {image} of {first}{others} {state}", _advice(scene, image)
        )


def _advice(scene: EnvironmentContext, image: str) -> str:
    for owner in scene.graph.kustomizations:
        for number, entry in enumerate(owner.items("images")):
            name = dig(entry, "name")
            if image_names.tag_of(image) is None and isinstance(name, str) and image_names.is_named(image, name):
                where = owner.place("images", number, "name")
                return f"The entry at {where} does not reach it: list what brings this image before {owner.folder}."
    return ""


def _hashed(scene: EnvironmentContext) -> Iterator[tuple[str, str, str]]:
    for full, name in generated_names(scene.objects).items():
        for kind in ("ConfigMap", "Secret"):
            if scene.find(kind, full) and not scene.find(kind, name):
                yield kind, name, full


def _names(pod: Pod) -> Iterator[tuple[str, str, Place]]:
    """The ConfigMaps and Secrets that a pod names, and where."""
    for container in pod.containers:
        for number, source in enumerate(items(container.data.get("envFrom"))):
            for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                if isinstance(name := dig(source, field, "name"), str):
                    yield kind, name, container.place("envFrom", number, field, "name")
        for number, variable in enumerate(items(container.data.get("env"))):
            for kind, field in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
                if isinstance(name := dig(variable, "valueFrom", field, "name"), str):
                    yield kind, name, container.place("env", number, "valueFrom", field, "name")
    for number, volume in enumerate(items(pod.spec.get("volumes"))):
        for kind, path in _VOLUMES:
            if isinstance(name := dig(volume, *path), str):
                yield kind, name, pod.place("volumes", number, *path)
        for index, source in enumerate(items(dig(volume, "projected", "sources"))):
            for kind, field in (("ConfigMap", "configMap"), ("Secret", "secret")):
                if isinstance(name := dig(source, field, "name"), str):
                    yield kind, name, pod.place("volumes", number, "projected", "sources", index, field, "name")


_VOLUMES = (("ConfigMap", ("configMap", "name")), ("Secret", ("secret", "secretName")))
