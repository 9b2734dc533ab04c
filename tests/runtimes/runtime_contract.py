"""What every runtime of the table promises, checked with numpy alone.

    python tests/runtimes/runtime_contract.py RUNTIME

Run by ``test_runtime_contract.py`` once per row, in the interpreter where that runtime lives.
Prints one line per check, ``ok NAME`` or ``not ok NAME`` with the traceback behind it.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from edgewright_runtimes.errors import ArtifactError, BadInput, EdgewrightError
from edgewright_runtimes.runtime import RUNTIMES, Session, SessionOptions, open_session

MODELS = Path(__file__).parents[1] / "models"
EXPECTED = np.load(MODELS / "expected.npz", allow_pickle=False)
NETS = {
    ".tflite": {
        "dense": [("x", "float32", (None, 8)), ("scores", "float32", (None, 3))],
        "conv_int8_io": [("x", "int8", (1, 8, 8, 1)), ("scores", "int8", (1, 4))],
        "lstm": [("x", "float32", (1, 5, 3)), ("y", "float32", (1, 2))],
        "pair": [
            ("narrow", "float32", (1, 1)),
            ("scaled", "float32", (1, 4)),
            ("total", "float32", (1, 4)),
            ("wide", "float32", (1, 4)),
        ],
        "ids": [("ids", "int32", (1, 3)), ("y", "float32", (1, 3, 2))],
    },
    ".onnx": {
        "dense": [("x", "float32", (None, 8)), ("scores", "float32", (None, 3))],
        "pair": [
            ("narrow", "float32", (1, 1)),
            ("scaled", "float32", (1, 4)),
            ("total", "float32", (1, 4)),
            ("wide", "float32", (1, 4)),
        ],
        "half": [("x", "float16", (None, 3)), ("y", "float16", (None, 3))],
        "text": [("x", "string", (None,)), ("y", "string", (None,))],
    },
}


class Case:
    """One runtime, and how to open the models that it runs."""

    def __init__(self, runtime: str) -> None:
        self.runtime = runtime
        formats = RUNTIMES[runtime].formats
        self.suffix = "." + formats[0] if len(formats) == 1 else ""
        self.package = {"litert": "ai-edge-litert"}.get(runtime, runtime)

    def file(self, net: str) -> Path:
        return MODELS / f"{net}{self.suffix}"

    def open(self, net: str, threads: int = 1) -> closing[Session]:
        options = SessionOptions(threads=threads)
        return closing(open_session(self.file(net), self.runtime, options=options))

    def each(self) -> Iterator[tuple[str, Session]]:
        for net in NETS[self.suffix]:
            with self.open(net) as session:
                yield net, session


def refused(kind: type[EdgewrightError], call: object, *args: object) -> str:
    """The message of the error that ``call`` has to raise; always one line."""
    try:
        call(*args)  # type: ignore[operator]
    except kind as e:
        assert "\n" not in str(e), str(e)
        return str(e)
    raise AssertionError(f"no {kind.__name__}")


def item(net: str, side: str, session: Session, index: int) -> dict[str, np.ndarray]:
    """One item of the stored arrays in the file's dtypes, quantized where the file is."""
    found = {}
    for spec in session.inputs if side == "in" else session.outputs:
        value = EXPECTED[f"{net}/{spec.name}"][index : index + 1]
        if spec.scale is not None:
            value = np.clip(np.rint(value / spec.scale) + spec.zero_point, -128, 127)
        found[spec.name] = value.astype(spec.dtype)
    return found


def names_dtypes_and_shapes_are_the_source_models(case: Case) -> None:
    for net, session in case.each():
        found = [(s.name, s.dtype, s.shape) for s in (*session.inputs, *session.outputs)]
        assert sorted(found) == sorted(NETS[case.suffix][net]), (net, found)


def answers_are_those_of_the_source(case: Case) -> None:
    for net, session in case.each():
        if net in ("half", "text"):
            continue
        for index in range(3):
            session.reset()
            found = session.run(item(net, "in", session, index))
            wanted = item(net, "out", session, index)
            assert sorted(found) == sorted(wanted)
            for name, value in wanted.items():
                steps = 2 if value.dtype == np.int8 else 1e-5
                assert found[name].dtype == value.dtype
                assert found[name].shape == value.shape
                assert np.abs(found[name].astype(float) - value).max() <= steps, (net, name)


def feeds_stay_and_outputs_are_fresh(case: Case) -> None:
    with case.open("dense") as session:
        first, second = item("dense", "in", session, 0), item("dense", "in", session, 1)
        before = first["x"].copy()
        answer = session.run(first)["scores"]
        kept = answer.copy()
        session.run(second)
        assert np.array_equal(answer, kept), "an output was overwritten by the next run"
        answer += 1
        assert np.array_equal(session.run(first)["scores"], kept), "an output is the runtime's own"
        assert np.array_equal(first["x"], before)


def a_timed_call_is_a_run(case: Case) -> None:
    """It sets the input anew each time, and reads each output."""
    for net in ("dense", "pair"):
        with case.open(net) as session:
            feeds = [item(net, "in", session, index) for index in (0, 1)]
            wanted = [session.run(feed) for feed in feeds]
            for order in ((0,), (1,), (0, 1), (1, 0)):
                call, index = session.timed([feeds[i] for i in order]), order[-1]
                assert call() is not None
                found = call()
                each = list(found) if isinstance(found, list) else [found]
                assert len(each) == len(session.outputs)
                for spec, value in zip(session.outputs, each, strict=True):
                    assert np.array_equal(value, wanted[index][spec.name]), (net, spec.name)


def a_free_batch_takes_any(case: Case) -> None:
    x, scores = EXPECTED["dense/x"], EXPECTED["dense/scores"]
    with case.open("dense") as session:
        for count in (1, 6, 2, 1):
            found = session.run({"x": x[:count]})["scores"]
            assert np.allclose(found, scores[:count], atol=1e-5), count


def an_array_in_any_memory_layout_is_read_right(case: Case) -> None:
    x, scores = EXPECTED["dense/x"], EXPECTED["dense/scores"]
    with case.open("dense") as session:
        for layout in (np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2]):
            assert np.allclose(session.run({"x": layout})["scores"], scores, atol=1e-5)


def reset_forgets_the_state(case: Case) -> None:
    if case.suffix != ".tflite":
        return
    with case.open("lstm") as session:
        feeds = item("lstm", "in", session, 0)
        fresh, carried = session.run(feeds)["y"], session.run(feeds)["y"]
        assert not np.allclose(fresh, carried), "the model is not stateful: the test says nothing"
        session.reset()
        assert np.array_equal(session.run(feeds)["y"], fresh)
    with case.open("sum") as session:  # y = what was fed so far, kept in a tf.Variable
        x = np.ones((1, 2), np.float32)
        found = [session.run({"x": x})["y"][0, 0] for _ in range(2)]
        session.reset()
        assert [*found, session.run({"x": x})["y"][0, 0]] == [1, 2, 1]


def wrong_feeds_are_named_and_do_no_harm(case: Case) -> None:
    x = EXPECTED["dense/x"]
    with case.open("dense") as session:
        assert "no input 'x'" in refused(BadInput, session.run, {"z": x})
        assert "expected float32" in refused(BadInput, session.run, {"x": x.astype(np.float64)})
        swapped = x.astype(x.dtype.newbyteorder())
        assert "expected float32" in refused(BadInput, session.run, {"x": swapped})
        assert "expected float32" in refused(BadInput, session.run, {"x": x.tolist()})
        assert "expected (N, 8)" in refused(BadInput, session.run, {"x": x[:, :7]})
        assert "expected (N, 8)" in refused(BadInput, session.run, {"x": x[0]})
        assert np.allclose(session.run({"x": x})["scores"], EXPECTED["dense/scores"], atol=1e-5)


def half_precision_and_text_pass(case: Case) -> None:
    if case.suffix != ".onnx":
        return
    with case.open("half") as session:
        found = session.run({"x": np.ones((2, 3), np.float16)})["y"]
        assert found.dtype == np.float16 and (found == 2).all()
    with case.open("text") as session:
        assert list(session.run({"x": np.array(["a", "é"], object)})["y"]) == ["a", "é"]


def in_force_says_what_is_active(case: Case) -> None:
    with case.open("dense", threads=2) as session:
        found = session.in_force()
    assert found["threads"] == "2", found
    package, version = found["runtime"].split()
    assert package == case.package and version[0].isdigit(), found
    assert found["numpy"] == np.__version__
    wanted = "XNNPACK (" if case.suffix == ".tflite" else "CPUExecutionProvider"
    assert found["delegate"].startswith(wanted), found


def a_closed_session_says_so(case: Case) -> None:
    with case.open("dense") as session:
        session.close()
        session.close()
        assert "closed" in refused(ArtifactError, session.run, {"x": EXPECTED["dense/x"]})
        assert "closed" in refused(ArtifactError, session.in_force)


def broken_files_get_the_runtimes_reason(case: Case) -> None:
    whole = case.file("dense").read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"broken{case.suffix}"
        for broken in (b"", b"not a model\n", whole[: len(whole) // 2], whole[:-300], whole[::-1]):
            path.write_bytes(broken)
            message = refused(ArtifactError, open_session, path, case.runtime)
            assert f"{case.package} cannot open it: " in message, message
            assert str(path) in message
        path.unlink()
        assert "no such file" in refused(BadInput, open_session, path, case.runtime)


def options_are_checked(case: Case) -> None:
    options = SessionOptions(threads=0)

    def open_with_none() -> None:
        open_session(case.file("dense"), case.runtime, options=options)

    assert "threads is 0; expected 1 or more" in refused(BadInput, open_with_none)


def gives_back_what_it_gets(case: Case) -> None:
    with closing(open_session(Path("any"), case.runtime)) as session:
        feeds = {"x": EXPECTED["dense/x"]}
        found = session.run(feeds)
        assert np.array_equal(found["x"], feeds["x"]) and found["x"] is not feeds["x"]
        assert np.array_equal(session.timed([feeds])()["x"], feeds["x"])  # type: ignore[index]
        session.reset()
        assert session.in_force()["threads"] == "0"


CHECKS = (
    names_dtypes_and_shapes_are_the_source_models,
    answers_are_those_of_the_source,
    feeds_stay_and_outputs_are_fresh,
    a_timed_call_is_a_run,
    a_free_batch_takes_any,
    an_array_in_any_memory_layout_is_read_right,
    reset_forgets_the_state,
    wrong_feeds_are_named_and_do_no_harm,
    half_precision_and_text_pass,
    in_force_says_what_is_active,
    a_closed_session_says_so,
    broken_files_get_the_runtimes_reason,
    options_are_checked,
)


def main() -> None:
    case = Case(sys.argv[1])
    for check in CHECKS if case.suffix else (gives_back_what_it_gets,):
        try:
            check(case)
            print("ok", check.__name__)
        except Exception:
            print("not ok", check.__name__, traceback.format_exc(), sep="\n")


if __name__ == "__main__":
    main()
