"""What a linter does not see: large files, addresses in locks, paths of one machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIMIT_BYTES = 1_000_000
LOCKS = {  # what must not stand in a lock file: where its packages were fetched from
    re.compile(r"(^|/)requirements[\w-]*\.lock$"): re.compile(
        r"https?://|--index-url|--find-links"
    ),
    re.compile(r"(^|/)package-lock\.json$"): re.compile(r'"resolved"'),
}
MACHINE = re.compile(r"(?<![\w.~-])/(?:home|root|Users)/[a-z]")


def tracked() -> list[Path]:
    out = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in out.stdout.split("\0") if name and (ROOT / name).is_file()]


def problems(path: Path) -> list[str]:
    name = path.relative_to(ROOT).as_posix()
    found = []
    if path.stat().st_size > LIMIT_BYTES:
        found.append(f"{name}: {path.stat().st_size:,} bytes, over {LIMIT_BYTES:,}")
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        return found
    for lock, address in LOCKS.items():
        if lock.search(name) and (hit := address.search(text)):
            found.append(f"{name}: an address in a lock file ({hit.group(0)})")
    if name != "scripts/check_repo.py" and (hit := MACHINE.search(text)):
        found.append(f"{name}: a path of one machine ({hit.group(0)})")
    return found


def main() -> int:
    found = [p for path in tracked() for p in problems(path)]
    print("\n".join(found) if found else "repository: clean")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
