"""``compress`` times its candidates in a browser, and leaves none behind."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from tests.browser.conftest import require_browser
from tests.browser.net_bundle import make_net_bundle

from edgewright.compression.latency import TargetLatencies
from edgewright.compression.options import CompressOptions
from edgewright.conversion.options import ConvertOptions
from edgewright.targets.browser.target import BrowserTarget
from edgewright_runtimes.preprocess import Preprocess


def test_a_candidate_is_timed_in_the_browsers_runtime_and_the_browser_is_closed(
    tmp_path: Path,
) -> None:
    bundle = make_net_bundle(tmp_path / "bundle")
    convert = ConvertOptions(
        model=tmp_path, out=bundle.path, variants=(), preprocess=Preprocess.from_dict({})
    )
    options = CompressOptions(
        convert=convert,
        steps=(),
        data="",
        formats=("tfjs",),
        target=f"browser:{require_browser('chromium')}",
    )
    with closing(TargetLatencies(options, None, tmp_path)) as latencies:
        latencies._work.mkdir()
        assert latencies._time(bundle.model_file(bundle.artifact("tfjs-float32"))) > 0
        target = latencies._target
        assert isinstance(target, BrowserTarget)
        processes = target.browser.processes
        assert processes.members()
    assert not processes.members()
