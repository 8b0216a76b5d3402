"""A container image's reference: its repository, tag and digest."""

import re
from dataclasses import dataclass

from bootstrap.core.errors import BadOption

# The grammar of github.com/distribution/reference.
_NAME = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?::[0-9]+)?"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"sha256:[0-9a-f]{64}"
_REFERENCE = re.compile(rf"(?:{_HOST}/)?{_NAME}(?:/{_NAME})*(?::{_TAG})?(?:@{_DIGEST})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What a container runs. A tag or digest of None leaves it to the manifests."""

    repository: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def split(cls, text: str) -> "Image":
        """The parts of any text in the place of an image, whether or not they are well formed."""
        name, _, digest = text.partition("@")
        head, slash, tail = name.rpartition("/")
        tail, _, tag = tail.partition(":")
        return cls(repository=head + slash + tail, tag=tag or None, digest=digest or None)

    @classmethod
    def parse(cls, text: str) -> "Image":
        """Read `REPOSITORY:TAG`, `REPOSITORY@sha256:…` or both. Raises BadOption for anything else."""
        image = cls.split(text)
        if not _REFERENCE.fullmatch(text) or not (image.tag or image.digest):
            raise BadOption(
                f"{text!r} does not say which image to run",
                hint="write it as REPOSITORY:TAG, for example apache/airflow:3.3.3, with @sha256:… to pin its bytes",
            )
        return image

    def __str__(self) -> str:
        return self.repository + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def tagged(self, text: str) -> "Image":
        """The same repository at another TAG or TAG@sha256:…. Raises BadOption where the text is neither."""
        match = re.fullmatch(rf"({_TAG})(?:@({_DIGEST}))?", text)
        if not match:
            raise BadOption(f"{text!r} is not an image's tag", hint="write a tag alone, for example 3.3.2")
        return Image(repository=self.repository, tag=match[1], digest=match[2])
