"""What a device is called, in the target of its rows: ``page:LABEL``.

By what the person who holds it typed, else by its browser and system. No version is in it: the
same device is to have the same name tomorrow.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

LONGEST = 40
# The first that is found counts: most of them also claim to be those below
BROWSERS = (
    ("Edg", "edge"), ("OPR", "opera"), ("SamsungBrowser", "samsung"), ("Firefox", "firefox"),
    ("FxiOS", "firefox"), ("CriOS", "chrome"), ("HeadlessChrome", "chromium"), ("Chrome", "chrome"),
    ("Safari", "safari"),
)  # fmt: skip
SYSTEMS = (
    ("iPhone", "iphone"), ("iPad", "ipad"), ("Android", "android"), ("CrOS", "chromeos"),
    ("Windows", "windows"), ("Macintosh", "mac"), ("Linux", "linux"),
)  # fmt: skip


def label_of(user_agent: str) -> str:
    """``chrome-android`` of what a browser says of itself; ``browser`` where it says nothing."""
    words = [
        next((word for mark, word in table if mark in user_agent), "")
        for table in (BROWSERS, SYSTEMS)
    ]
    return "-".join(word for word in words if word) or "browser"


def slug(text: str) -> str:
    """``Anna's Pixel 7`` as ``anna-s-pixel-7``; empty where nothing is left of it."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST].strip("-")


def unused(label: str, taken: Container[str]) -> str:
    """``label``, or ``label-2`` and so on where another device of this run has it."""
    name, number = label, 1
    while name in taken:
        number += 1
        name = f"{label}-{number}"
    return name
