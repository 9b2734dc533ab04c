"""Data sets of every kind: the same items whatever way they are read, and clear refusals."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgewright.data import DataSet, load_preprocess, open_data
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.preprocess import Preprocess

RANDOM = np.random.default_rng(7)
X = RANDOM.integers(0, 256, (25, 6, 5, 3)).astype(np.uint8)
Y = RANDOM.integers(0, 3, 25)

FUNCTIONS = """
import numpy as np
def arrays():
    z = np.load("d.npz")
    return z["x"], z["y"]
def only_x():
    return np.load("d.npz")["x"]
def batches():
    x, y = arrays()
    for i in range(0, len(x), 7):
        yield x[i:i + 7], y[i:i + 7]
def text():
    return np.array(["a", "b"])
def breaks():
    raise RuntimeError("the disk is gone")
def nothing():
    return np.zeros((0, 3)), np.zeros(0)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "given_data", raising=False)
    np.savez_compressed("d.npz", x=X, y=Y, classes=np.array(["a", "b", "c"]))
    Path("given_data.py").write_text(FUNCTIONS)
    for i in range(len(X)):
        folder = Path("images") / "abc"[Y[i]]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(X[i]).save(folder / f"{i:03}.png")
    flat = X.reshape(len(X), -1)
    Path("d.csv").write_text(
        "\n".join(",".join(map(str, [y, *row])) for y, row in zip(Y, flat, strict=True)) + "\n"
    )
    return tmp_path


def _all(data: DataSet, size: int = 4) -> tuple[np.ndarray, np.ndarray]:
    parts = list(data.batches(size))
    assert all(0 < p.items <= size for p in parts)
    return np.concatenate([p.x["x"] for p in parts]), np.concatenate([p.y for p in parts])


@pytest.mark.parametrize("spec", ["d.npz", "given_data:arrays", "given_data:batches"])
def test_array_data_streams_the_same_items(here: Path, spec: str) -> None:
    data = open_data(spec)
    x, y = _all(data)
    assert data.items == 25 and data.input_shape == (6, 5, 3)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)
    taken = data.take([20, 3, 3, 0])
    np.testing.assert_array_equal(taken.x["x"], X[[20, 3, 3, 0]])
    np.testing.assert_array_equal(taken.y, Y[[20, 3, 3, 0]])
    some = [b.x["x"] for b in data.batches(4, [1, 2, 17, 24])]
    np.testing.assert_array_equal(np.concatenate(some), X[[1, 2, 17, 24]])


def test_csv_has_its_label_first(here: Path) -> None:
    data = open_data("d.csv")
    x, y = _all(data)
    np.testing.assert_array_equal(x, X.reshape(25, -1))
    np.testing.assert_array_equal(y, Y)
    np.testing.assert_array_equal(data.take([9, 2]).x["x"], X.reshape(25, -1)[[9, 2]])


def test_csv_header_names_the_label(here: Path) -> None:
    Path("h.csv").write_text("\ufeffheight;target;width\n1.5;0.25;2\n\n3;1;4\n", "utf-8")
    data = open_data("h.csv")
    x, y = _all(data)
    assert x.tolist() == [[1.5, 2.0], [3.0, 4.0]] and y.tolist() == [0.25, 1.0]
    assert y.dtype == np.float32


def test_folder_of_class_folders(here: Path) -> None:
    data = open_data("images")
    order = np.argsort(Y, kind="stable")
    x, y = _all(data)
    assert data.class_names == ("a", "b", "c")
    np.testing.assert_array_equal(x, X[order])
    np.testing.assert_array_equal(y, Y[order])


def test_images_of_different_sizes_want_a_resize(here: Path) -> None:
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save("images/c/large.png")
    with pytest.raises(BadInput, match=r"differ in size.*resize = \[height, width\]"):
        list(open_data("images").batches(4))
    preprocess = Preprocess.from_dict({"resize": [4, 4], "scale": 0.5})
    data = open_data("images", preprocess=preprocess)
    x, _ = _all(data)
    assert x.shape == (26, 4, 4, 3)
    straight = preprocess.apply(X[Y == 0][:1])
    np.testing.assert_allclose(preprocess.apply(x[:1]), straight, atol=1e-5)


def test_grey_and_unlabelled_images(here: Path) -> None:
    Path("grey").mkdir()
    Image.fromarray(X[0, :, :, 0]).save("grey/a.png")
    data = open_data("grey")
    assert data.input_shape == (6, 5, 1) and not data.labels
    assert next(data.batches(1)).y is None


def test_npz_with_several_inputs(here: Path) -> None:
    np.savez("two.npz", left=X, right=Y[:, None], y=Y)
    data = open_data("two.npz")
    assert data.shapes == {"left": (6, 5, 3), "right": (1,)}
    batch = data.take([4])
    assert batch.x["left"].shape == (1, 6, 5, 3) and batch.x["right"][0, 0] == Y[4]


def test_the_hash_is_of_the_content(here: Path) -> None:
    for spec in ("d.npz", "d.csv", "images", "given_data:arrays"):
        assert open_data(spec).sha256 == open_data(spec).sha256 != ""
    before = open_data("images").sha256
    Image.fromarray(X[1]).save("images/a/new.png")
    assert open_data("images").sha256 != before


def _savez(**arrays: object) -> None:
    np.savez("bad.npz", **arrays)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X, "y": Y[:-1]}, r"24 labels for 25 items"),
        ({"x": X, "y": np.array(list("abcde") * 5)}, r"y has dtype <U1"),
        ({"x": np.array([{}, {}], dtype=object)}, r"x has dtype object"),
        ({"x": np.array(["a", "b"])}, r"x has dtype <U1"),
        ({"x": np.zeros((0, 3))}, r"x is empty, its shape is \[0, 3\]"),
        ({"y": Y}, r"no input array"),
        ({"a": X, "b": X[:3]}, r"differ in their number of items \(a 25, b 3\)"),
        ({"x": X, "y": np.where(Y == 1, np.nan, Y)}, r"y holds NaN or infinity in item"),
        ({"x": np.asfortranarray(X)}, r"stored column by column"),
    ],
)
def test_npz_that_is_refused(here: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    _savez(**arrays)
    with pytest.raises(BadInput, match=message):
        open_data("bad.npz")


def test_nan_is_named_by_its_item(here: Path) -> None:
    x = X.astype(np.float32)
    x[13, 0, 0, 0] = np.inf
    _savez(x=x)
    with pytest.raises(BadInput, match=r"x holds NaN or infinity in item 13"):
        list(open_data("bad.npz").batches(4))


@pytest.mark.parametrize("cut", [10, 200, -30])
def test_a_cut_npz(here: Path, cut: int) -> None:
    whole = Path("d.npz").read_bytes()
    Path("cut.npz").write_bytes(whole[:cut])
    with pytest.raises(BadInput, match=r"cut\.npz"):
        list(open_data("cut.npz").batches(4))


def test_an_npz_whose_header_lies(here: Path) -> None:
    with zipfile.ZipFile("d.npz") as archive:
        member = archive.read("x.npy").replace(b"(25, 6", b"(99, 6")
    with zipfile.ZipFile("lies.npz", "w") as archive:
        archive.writestr("x.npy", member)
    with pytest.raises(BadInput, match=r"x is shorter or longer than its shape"):
        open_data("lies.npz")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("1,2\n1,2,3\n", r"line 2: 3 columns, the first line has 2"),
        ("1,2\n1,x\n", r"line 2: 'x' is not a number"),
        ("1,2\nnan,2\n", r"label holds NaN or infinity in item 1"),
        ("1\n2\n", "one column"),
    ],
)
def test_csv_that_is_refused(here: Path, text: str, message: str) -> None:
    Path("bad.csv").write_text(text)
    with pytest.raises(BadInput, match=message):
        open_data("bad.csv")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("absent.npz", "no such file or folder"),
        ("given_data.py", "can't read this kind of data"),
        ("no_module_here:f", "no module named 'no_module_here'"),
        ("given_data:absent", "no attribute 'absent'"),
        ("given_data:text", "dtype <U1, numbers were expected"),
        ("given_data:breaks", "RuntimeError: the disk is gone"),
        ("given_data:nothing", "gave no item"),
    ],
)
def test_what_is_not_data(here: Path, spec: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        open_data(spec)


def test_text_named_png(here: Path) -> None:
    Path("images/a/000.png").write_text("not an image")
    with pytest.raises(BadInput, match=r"000\.png: not an image"):
        list(open_data("images").batches(4))


def test_a_hundred_thousand_items_stay_flat(here: Path) -> None:
    rows = np.zeros((100_000, 256), np.float32)  # 102 MB
    rows[:, 0] = np.arange(100_000)
    np.savez_compressed("large.npz", x=rows, y=np.zeros(100_000, np.uint8))
    del rows
    data = open_data("large.npz")
    tracemalloc.start()
    total, count = 0.0, 0
    for batch in data.batches(256):
        total += float(batch.x["x"][:, 0].sum(dtype=np.float64))
        count += batch.items
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (total, count) == (99_999 * 50_000, 100_000)
    assert peak < 40e6


def test_load_preprocess(here: Path) -> None:
    Path("p.toml").write_text('scale = "1/255"\n[resize]\nsize = [4, 4]\nantialias = true\n')
    loaded = load_preprocess(Path("p.toml"))
    assert loaded.to_dict() == {
        "resize": {"size": [4, 4], "method": "bilinear", "antialias": True},
        "scale": 1 / 255,
    }
    for text, message in [
        ("scale = ", "not TOML"),
        ("colour_order = 'bgr'", "did you mean 'color_order'"),
    ]:
        Path("p.toml").write_text(text)
        with pytest.raises(BadInput, match=message):
            load_preprocess(Path("p.toml"))
    with pytest.raises(BadInput, match="No such file"):
        load_preprocess(Path("absent.toml"))
