"""``check``: every artifact's accuracy on real items, paired with the source, and the gates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from edgewright.accuracy.gates import read_gates
from edgewright.accuracy.metrics import metric_named
from edgewright.accuracy.results import CheckResult
from edgewright.bundle import Bundle
from edgewright.settings import load_settings
from edgewright.targets.browser.options import AS_IT_IS, BrowserOptions
from edgewright.targets.page.options import HERE, PageOptions
from edgewright.targets.target import open_places, require_runtimes

Tell = Callable[[str, int, int], None]


def check(
    bundle: Path | str,
    *,
    data: str,
    metrics: Sequence[str] = (),
    gates: Sequence[str] = (),
    max_drop: float | None = None,
    min_agreement: float | None = None,
    subset: int | None = None,
    artifacts: Sequence[str] = (),
    runtime: str | None = None,
    target: str = "local",
    source: Path | None = None,
    threads: int = 1,
    browser: BrowserOptions = AS_IT_IS,
    page: PageOptions = HERE,
    tell: Tell = lambda what, done, of: None,
) -> CheckResult:
    """Run the items of ``data`` through the source and each artifact, and compare them in pairs.

    ``gates`` are ``METRIC:DROP`` (points for proportions, ``5%`` for the rest); ``max_drop`` is
    short for ``accuracy:P``. ``runtime`` and ``target``: one, or several joined by commas; in a
    browser every artifact runs in each runtime that takes it. ``source`` names the trained model
    where it has moved. ``tell`` gets (what, items done, items in all). Outputs are stored in the
    bundle, results computed from them. Raises ``UsageError`` for bad input and ``BundleBusy``
    where another run holds it.
    """
    from edgewright.accuracy.checking import prepare, run_check

    asked = tuple(metric_named(name) for name in metrics)
    wanted = read_gates(gates, max_drop=max_drop, min_agreement=min_agreement)
    opened = Bundle.open(Path(bundle))
    info = opened.require_source()
    everything = opened.require_artifacts()
    chosen = [opened.artifact(n) for n in artifacts] if artifacts else everything
    with opened.lock():
        run = prepare(opened, info, data, subset, asked, wanted)
        places = open_places(target, replace(load_settings(), browser=browser, page=page))
        runtimes = [word.strip() for word in (runtime or "").split(",") if word.strip()]
        require_runtimes(runtimes, places)
        return run_check(
            run, chosen, places, runtimes=runtimes, threads=threads, moved=source, tell=tell
        )
