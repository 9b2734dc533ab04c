"""The packages of a board, in a private folder of the user. ``python -I - VERB JSON``.

    ~/.cache/edgewright/board/      0700; XDG_CACHE_HOME is honoured
        incoming/NAME.zip           pushed whole, and not unpacked yet
        packages/NAME/              a wheel's content: made under another name, then renamed
        ready/ID.json               a set-up that was tried out, with all that it stands on
        jobs/, store/               of the agent

NAME has the hash of the content in it, so that two workstations never disagree about one.

look    make the folders; which of ``packages`` are there or have arrived, how much room there is
unpack  ``packages``: NAME -> sha256
try     run a tiny model in each of ``runtimes``: name -> the folders of its packages
keep    write ``ready/ID.json``
ready   read it, where all it stands on is still there
purge   remove everything
"""

import contextlib
import errno
import fcntl
import glob
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from typing import IO, Any, Dict, List, Optional

MARK = "EDGEWRIGHT-BOARD "
AN_HOUR, A_MONTH = 3600.0, 30 * 86400.0
PURGED = ".purged"
TRY_SECONDS = 300.0
ENDED_BY_OTHERS = (signal.SIGKILL, signal.SIGTERM)  # the first is how the kernel makes memory free
TRY = (
    "import sys; from edgewright_runtimes.probe import probe; "
    "print(', '.join('%s %s' % pair for pair in probe(sys.argv[1]).items()))"
)


class Trouble(Exception):
    def __init__(self, message: str, hint: str = "") -> None:
        Exception.__init__(self, message)
        self.hint = hint


def root() -> str:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(os.path.abspath(base), "edgewright", "board")


def look(asked: Dict[str, Any]) -> Dict[str, Any]:
    top = _private(root())
    for folder in ("packages", "ready", "incoming"):
        _private(os.path.join(top, folder))
    _sweep(top, asked["packages"])
    disk = os.statvfs(top)
    names = asked["packages"]
    return {
        "root": top,
        "present": [name for name in names if os.path.isdir(_package(top, name))],
        "arrived": [name for name in names if os.path.isfile(_incoming(top, name))],
        "free_bytes": disk.f_bavail * disk.f_frsize,
    }


def unpack(asked: Dict[str, Any]) -> Dict[str, Any]:
    """What another workstation unpacked meanwhile is taken as it is: its name is its content."""
    top = root()
    made: Dict[str, str] = {}
    try:
        for name, sha256 in sorted(asked["packages"].items()):
            if os.path.isdir(_package(top, name)):
                continue
            made[name] = "%s.%d.tmp" % (_package(top, name), os.getpid())
            try:
                _extract(_checked(_incoming(top, name), sha256), made[name])
            except FileNotFoundError:  # another workstation unpacked it just now
                if not os.path.isdir(_package(top, name)):
                    raise
                del made[name]
        os.sync()  # a name that stands there after a power cut has its content too
        for name, folder in made.items():
            _rename(folder, _package(top, name))
    finally:
        for folder in made.values():
            shutil.rmtree(folder, ignore_errors=True)
    for name in asked["packages"]:
        _remove(_incoming(top, name))
    return {"unpacked": sorted(made)}


def _checked(file: str, sha256: str) -> str:
    digest = hashlib.sha256()
    with open(file, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    if digest.hexdigest() != sha256:
        _remove(file)
        raise Trouble("%s did not arrive as it was sent" % os.path.basename(file), "try again")
    return file


def _extract(file: str, folder: str) -> None:
    """A wheel's modules; what it would install elsewhere (scripts, headers) is left out."""
    with zipfile.ZipFile(file) as wheel:
        for entry in wheel.infolist():
            parts = entry.filename.split("/")
            if parts[0].endswith(".data"):
                if len(parts) < 3 or parts[1] not in ("purelib", "platlib"):
                    continue
                parts = parts[2:]
            if entry.filename.endswith("/"):
                continue
            if any(part in ("", ".", "..") for part in parts):
                raise Trouble("%s holds the name %r" % (os.path.basename(file), entry.filename))
            path = os.path.join(folder, *parts)
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with wheel.open(entry) as source, open(path, "wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)


def _rename(made: str, target: str) -> None:
    try:
        os.rename(made, target)
    except OSError:
        if not os.path.isdir(target):
            raise


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)


def try_out(asked: Dict[str, Any]) -> Dict[str, Any]:
    """By building a session on a tiny model: an import alone proves nothing."""
    works: Dict[str, str] = {}
    fails: Dict[str, str] = {}
    chance: Dict[str, str] = {}  # of those, what may work another time
    for name, folders in sorted(asked["runtimes"].items()):
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(folders), **asked["variables"])
        pipe = subprocess.PIPE
        argv = [asked["python"], "-c", TRY, name]
        try:
            done = subprocess.run(
                argv,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=pipe,
                stderr=pipe,
                timeout=TRY_SECONDS,
            )
        except subprocess.TimeoutExpired:
            fails[name] = chance[name] = "no answer within %d s" % TRY_SECONDS
            continue
        words = (done.stderr if done.returncode else done.stdout).decode("utf-8", "replace")
        last = (words.strip().splitlines() or ["no reason given"])[-1][:300]
        if done.returncode < 0:
            fails[name] = "it crashes (signal %d)" % -done.returncode
        elif done.returncode:
            fails[name] = last
        else:
            works[name] = last
        no_memory = done.returncode and last.startswith("MemoryError")
        if no_memory or -done.returncode in ENDED_BY_OTHERS:
            chance[name] = fails[name]
    return {"works": works, "fails": fails, "chance": chance}


def keep(asked: Dict[str, Any]) -> Dict[str, Any]:
    """``record`` comes back by ``ready`` while ``packages`` and ``python`` are what they are."""
    kept = {
        "record": asked["record"],
        "packages": asked["packages"],
        "stands_on": _stands_on(asked["python"]),
        "boot": _boot(),
    }
    path = _ready(root(), asked["id"])
    _write(path, kept)
    return {"kept": path}


def _write(path: str, kept: Dict[str, Any]) -> None:
    made = "%s.%d.tmp" % (path, os.getpid())
    with open(made, "w") as stream:
        json.dump(kept, stream)
        stream.flush()
        os.fsync(stream.fileno())
    os.rename(made, path)


def ready(asked: Dict[str, Any]) -> Dict[str, Any]:
    """``record``, or null where there is none or something that it stands on has changed."""
    path = _ready(root(), asked["id"])
    try:
        with open(path) as stream:
            kept = json.load(stream)
        there = all(os.path.isdir(_package(root(), name)) for name in kept["packages"])
        if not there or kept["stands_on"] != _stands_on(kept["stands_on"]["python"]):
            return {"record": None}
        if kept.get("boot") != _boot():
            _write(path, dict(kept, boot=_boot()))
        os.utime(path, None)  # it is used: the sweep leaves it alone
    except (OSError, ValueError, KeyError, TypeError, Trouble):
        return {"record": None}
    return {"record": kept["record"]}


def _stands_on(python: str) -> Dict[str, Any]:
    """The interpreter, and the board that the card sits in."""
    real = os.path.realpath(python)
    program = os.stat(real)
    try:
        with open("/proc/device-tree/model", "rb") as stream:
            model = stream.read(200).decode("utf-8", "replace")
    except OSError:
        model = ""
    return {
        "python": python,
        "program": real,
        "bytes": program.st_size,
        "changed": int(program.st_mtime),
        "model": model,
    }


def purge(asked: Dict[str, Any]) -> Dict[str, Any]:
    """Refuses while a job runs there, and lets none begin: its folder would be pulled from under
    it. Who waits for the lock finds afterwards that it is not the one of that name any more."""
    top = root()
    there = os.path.isdir(top)
    if there:
        _private(os.path.join(top, "jobs"))
        with open(_lock(top), "ab") as lock:
            if not _take(lock):
                hint = "wait for it, or end it, and try again"
                raise Trouble("a job is running on the board", hint)
            os.rename(top, "%s.%d%s" % (top, os.getpid(), PURGED))  # at once, whatever happens
    for path in glob.glob(glob.escape(top) + ".*" + PURGED):  # and what was cut short before
        shutil.rmtree(path)
    with contextlib.suppress(OSError):  # not there, or not empty: what stands in it is not ours
        os.rmdir(os.path.dirname(top))
    return {"purged": there}


def _lock(top: str) -> str:
    """The agent's: whose job runs keeps it locked."""
    return os.path.join(top, "jobs", "lock")


def _take(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _job_runs(top: str) -> bool:
    try:
        with open(_lock(top), "rb") as lock:
            return not _take(lock)
    except OSError:  # none ever ran
        return False


def _sweep(top: str, wanted: List[str]) -> None:
    """Forget what no set-up of the last month stands on, but for what was made within an hour:
    another workstation may be about to stand on it. Nothing is forgotten while a job runs."""
    if _job_runs(top):
        return
    used = set(wanted)
    for path in glob.glob(os.path.join(glob.escape(top), "ready", "*.json")):
        try:
            with open(path) as stream:
                kept = json.load(stream)
            packages, old = kept["packages"], _age(path) > A_MONTH
            if kept.get("boot") == _boot():  # a clock that was just set leaps by weeks
                old = old and _uptime() > A_MONTH
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            packages, old = [], True
        if old:
            _remove(path)
        else:
            used.update(packages)
    for path in glob.glob(os.path.join(glob.escape(top), "packages", "*")):
        if os.path.basename(path) not in used and _age(path) > AN_HOUR:
            shutil.rmtree(path, ignore_errors=True)
    for entry in os.scandir(os.path.join(top, "incoming")):  # also what was cut while it came
        if entry.name[: -len(".zip")] not in used and _age(entry.path) > AN_HOUR:
            _remove(entry.path)


def _boot() -> str:
    """Another after every start of the board; empty where the kernel does not say."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as stream:
            return stream.read().strip()
    except OSError:
        return ""


def _uptime() -> float:
    return time.monotonic()  # since the board's start, where this runs


def _age(path: str) -> float:
    try:
        return time.time() - os.stat(path).st_mtime
    except OSError:  # somebody else removed it
        return 0.0


def _private(folder: str) -> str:
    """Made where it is missing, for its user alone; another user's is not taken."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if os.path.islink(folder) or os.lstat(folder).st_uid != os.getuid():
        raise Trouble("%s is not a folder of your own" % folder, "remove it there, and try again")
    os.chmod(folder, 0o700)
    return folder


def _package(top: str, name: str) -> str:
    return os.path.join(top, "packages", _name(name))


def _incoming(top: str, name: str) -> str:
    return os.path.join(top, "incoming", _name(name) + ".zip")


def _ready(top: str, name: str) -> str:
    return os.path.join(top, "ready", _name(name) + ".json")


def _name(name: str) -> str:
    """One part of a path, whatever it says."""
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise Trouble("%r is no name of a file" % name)
    return name


def _hint(number: Optional[int]) -> str:
    if number == errno.ENOSPC:
        return "make room there (df -h ~)"
    if number == errno.EROFS:
        return "its disk is mounted read-only: sudo mount -o remount,rw / (worn cards end so)"
    if number in (errno.EACCES, errno.EPERM):
        return "that folder there must belong to the user who logs in"
    return ""


def _fail(message: str, hint: str) -> None:
    print(MARK + json.dumps({"error": message, "hint": hint}))


def main() -> int:
    os.umask(0o077)
    verbs = {"look": look, "unpack": unpack, "try": try_out}
    verbs.update({"keep": keep, "ready": ready, "purge": purge})
    try:
        answer = verbs[sys.argv[1]](json.loads(sys.argv[2]))
    except Trouble as e:
        _fail(str(e), e.hint)
        return 1
    except OSError as e:
        where = "%s: " % e.filename if e.filename else ""
        _fail("%s%s" % (where, e.strerror or e), _hint(e.errno))
        return 1
    except (RuntimeError, zipfile.BadZipFile) as e:
        _fail(str(e), "try again")
        return 1
    print(MARK + json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
