"""Makes one recipe's layer: mounts it over the layers below, runs the steps inside, and packs what they wrote.

Started by `layers` in mount and PID namespaces of its own, so that every mount and every process ends with it:

    python -m tests.cluster.images.chroot RECIPE WORK OUT [LOWER.tar ...]       lower layers, lowest first
"""

import contextlib
import os
import shutil
import stat
import sys
import tarfile
from pathlib import Path

from tests.cluster import cache
from tests.cluster.images.recipe import Recipe
from tests.cluster.images.recipes import RECIPES
from tests.cluster.process import run

SUITE = "trixie"  # PostgreSQL 17 and Python 3.13, as in the images that are stood in for
BASE_PACKAGES = "python3,ca-certificates,dumb-init"
PATH = "/tmp/build:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CERTIFICATES = Path(os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"))
# Documentation, other languages, package lists, and what the build itself needed.
UNREAD = (
    *(f"usr/share/{folder}/*" for folder in ("doc", "man", "locale", "info", "lintian")),
    *(f"var/{folder}/*" for folder in ("cache/apt", "cache/debconf", "lib/apt/lists", "log")),
    "tmp/build",
    "run/lock",
)


def make(recipe: Recipe, work: Path, out: Path, lower: list[Path]) -> None:
    """Write the recipe's layer to `out`, an uncompressed tar with OCI whiteouts."""
    if recipe.under is None:
        root = work / "root"
        run(["debootstrap", "--variant=minbase", f"--include={BASE_PACKAGES}", SUITE, root])
    else:
        root = _over(work, lower, recipe)
    _drop(root, (*UNREAD, *recipe.dropped))
    _pack(root, out)


def _over(work: Path, lower: list[Path], recipe: Recipe) -> Path:
    """Run the recipe on top of the lower layers; return the folder of what it changed."""
    folders: list[Path] = []
    for number, archive in enumerate(lower):
        folders.append(work / f"lower{number}")
        folders[-1].mkdir()
        run(["tar", "--numeric-owner", "-C", folders[-1], "-xf", archive])
    upper, scratch, merged = (work / name for name in ("upper", "scratch", "merged"))
    for path in (upper, scratch, merged):
        path.mkdir()
    options = f"lowerdir={':'.join(str(f) for f in reversed(folders))},upperdir={upper},workdir={scratch}"
    run(["mount", "-t", "overlay", "overlay", "-o", options, merged])
    _steps(recipe, merged)
    run(["umount", "--recursive", merged])
    return upper


def _steps(recipe: Recipe, root: Path) -> None:
    resolv = root / "etc/resolv.conf"
    before = resolv.read_bytes() if resolv.exists() else b""
    tools = root / "tmp/build"
    (tools / "cache").mkdir(parents=True)
    downloads = cache.folder().parent.parent / "uv"
    downloads.mkdir(parents=True, exist_ok=True)
    for source, target in ((downloads, tools / "cache"), (Path("/dev"), root / "dev"), (Path("/proc"), root / "proc")):
        run(["mount", "--bind", source, target])
    shutil.copy("/etc/resolv.conf", resolv)
    shutil.copy(CERTIFICATES, tools / "certificates.crt")
    for command in recipe.before:
        _inside(root, *command)
    if recipe.packages:
        _install(root, recipe.packages)
    if recipe.environment:
        shutil.copy(os.environ["UV"], tools / "uv")
        where = recipe.environment.path
        _inside(root, "uv", "venv", "-q", "--python", "/usr/bin/python3", where)
        # Compiled now: the image's user can't write beside the sources, and would compile at each start.
        install = ("uv", "pip", "install", "-q", "--compile-bytecode")
        _inside(root, *install, *recipe.environment.requirements, VIRTUAL_ENV=where)
    for name, source in recipe.copied():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, root / name)
        (root / name).chmod(0o755)
    for command in recipe.after:
        _inside(root, *command)
    resolv.write_bytes(before)


def _install(root: Path, packages: tuple[str, ...]) -> None:
    # A package must not start its service in here.
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    _inside(root, "apt-get", "-q", "update")
    _inside(root, "apt-get", "-qy", "install", "--no-install-recommends", *packages)
    policy.unlink()


def _inside(root: Path, *argv: str, **env: str) -> None:
    clean = ["env", "-i", f"PATH={PATH}", *(f"{k}={v}" for k, v in os.environ.items() if k.lower().endswith("_proxy"))]
    own = {
        "HOME": "/root",
        "DEBIAN_FRONTEND": "noninteractive",
        "LANG": "C.UTF-8",
        "SSL_CERT_FILE": "/tmp/build/certificates.crt",
        "UV_CACHE_DIR": "/tmp/build/cache",
        "UV_LINK_MODE": "copy",
        "UV_PYTHON_DOWNLOADS": "never",
        **env,
    }
    run([*clean, *(f"{k}={v}" for k, v in own.items()), "chroot", root, *argv])


def _drop(root: Path, patterns: tuple[str, ...]) -> None:
    for path in (p for pattern in patterns for p in root.glob(pattern)):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif not stat.S_ISCHR(path.lstat().st_mode):  # an overlay whiteout stays
            path.unlink()


def _pack(root: Path, out: Path) -> None:
    hidden: list[str] = []

    def entry(info: tarfile.TarInfo) -> tarfile.TarInfo:
        path = root / info.name
        info.uname = info.gname = ""
        # overlayfs marks a removed file by a 0/0 device, and a replaced folder by an attribute; images use names.
        if info.ischr() and not info.devmajor and not info.devminor:
            info.name = str(Path(info.name).parent / f".wh.{Path(info.name).name}")
            info.type, info.size = tarfile.REGTYPE, 0
        elif info.isdir():
            with contextlib.suppress(OSError):
                if os.getxattr(path, "trusted.overlay.opaque") == b"y":
                    hidden.append(info.name)
        return info

    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(root.iterdir()):
            tar.add(path, path.name, filter=entry)
        for name in hidden:
            tar.addfile(tarfile.TarInfo(f"{name}/.wh..wh..opq"))


if __name__ == "__main__":
    name, work_folder, result, *below = sys.argv[1:]
    make(RECIPES[name], Path(work_folder), Path(result), [Path(b) for b in below])
