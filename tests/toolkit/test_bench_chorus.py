"""The progress of several targets as one."""

from __future__ import annotations

from edgewright.latency.chorus import Chorus
from edgewright.latency.sweep import Progress


def test_one_target_speaks_for_itself() -> None:
    heard: list[Progress] = []
    chorus = Chorus(heard.append)
    chorus.begin(0, 1)
    chorus.voice("local")(Progress(0.5, 3.0, "round 1"))
    assert heard == [Progress(0.5, 3.0, "round 1")]


def test_devices_at_once_share_the_whole() -> None:
    heard: list[Progress] = []
    chorus = Chorus(heard.append)
    chorus.begin(0, 1)
    one = chorus.voice("page:one")
    one(Progress(1.0, 0.0, "last"))
    two = chorus.voice("page:two")
    two(Progress(0.0, 9.0, "first"))
    two(Progress(0.0, 0.0, "x: FAILED", failed=True))
    assert [(p.part, p.words) for p in heard] == [
        (1.0, "last"), (0.5, "page:two: first"), (0.5, "page:two: x: FAILED"),
    ]  # fmt: skip


def test_one_place_after_the_other() -> None:
    heard: list[Progress] = []
    chorus = Chorus(heard.append)
    for number, name in enumerate(("local", "page:one")):
        chorus.begin(number, 2)
        chorus.voice(name)(Progress(0.5, 0.0, "half"))
    assert [(p.part, p.words) for p in heard] == [(0.25, "local: half"), (0.75, "page:one: half")]
