"""Keep the four distributions at one version: ``VERSION`` is the only place to change.

python scripts/version.py           write it everywhere
python scripts/version.py --check   exit 1 where something differs
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILES = (
    "runtimes/pyproject.toml",
    "runtimes/web/pyproject.toml",
    "converters/pyproject.toml",
    "toolkit/pyproject.toml",
    "runtimes/src/edgewright_runtimes/version.py",
)
PATTERNS = (
    r'(?m)^(version = ")[^"]+(")',
    r'("edgewright[a-z\-]*(?:\[[a-z,]+\])?==)[^"]+(")',
    r'(__version__ = ")[^"]+(")',
)


def with_version(text: str, version: str) -> str:
    for pattern in PATTERNS:
        text = re.sub(pattern, rf"\g<1>{version}\g<2>", text)
    return text


def main() -> int:
    version = (ROOT / "VERSION").read_text().strip()
    differing = []
    for name in FILES:
        path = ROOT / name
        text = path.read_text()
        if (wanted := with_version(text, version)) != text:
            differing.append(name)
            if "--check" not in sys.argv:
                path.write_text(wanted)
    if "--check" in sys.argv and differing:
        print(f"not at {version}: {', '.join(differing)}; run python scripts/version.py")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
