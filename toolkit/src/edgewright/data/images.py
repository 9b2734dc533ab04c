"""Data from a folder of class folders of images: the folder's name is the class.

Images right in the folder are items without labels. Each is decoded when it is wanted: grey
stays [height, width, 1] where the first image is grey, everything else becomes RGB. EXIF
orientation is not applied, as in ``tf.io.decode_image``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgewright.data.dataset import Array, DataSet
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.resize import Resize, resize

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp")
DEEP_MODES = ("I", "I;16", "I;16B", "F")  # more than 8 bits: kept as they are


class ImageFolder(DataSet):
    def __init__(self, path: Path, *, resize: Resize | None = None) -> None:
        self.name = str(path)
        self._path = path
        self._resize = resize
        folders = sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))
        classes = [(folder.name, _images(folder)) for folder in folders]
        loose = _images(path)
        if loose and any(images for _, images in classes):
            raise BadInput(
                f"{path} holds images and folders of images: {loose[0].name}, {classes[0][0]}/",
                hint="put every image in the folder of its class",
            )
        self._files = loose or [file for _, images in classes for file in images]
        if not self._files:
            raise BadInput(f"{path} holds no images", hint=f"known: {', '.join(SUFFIXES)}")
        self.items = len(self._files)
        self.y = None
        if not loose:
            counts = [len(images) for _, images in classes]
            self.y = np.repeat(np.arange(len(classes)), counts).astype(np.int64)
            self.class_names = tuple(name for name, _ in classes)
        self._mode = ""
        self.shapes = {"x": self._read(self._files[0]).shape}

    @cached_property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for file in self._files:
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            digest.update(f"{file.relative_to(self._path).as_posix()} {content}\n".encode())
        return digest.hexdigest()

    def _stream(self, size: int, wanted: Array) -> Iterator[Mapping[str, Array]]:
        for first in range(0, len(wanted), size):
            yield {"x": np.stack([self._item(int(i)) for i in wanted[first : first + size]])}

    def _item(self, index: int) -> Array:
        image = self._read(self._files[index])
        if image.shape != self.shapes["x"]:
            raise BadInput(
                f"the images differ in size: {self._files[0]} is {_said(self.shapes['x'])}, "
                f"{self._files[index]} is {_said(image.shape)}",
                hint="declare a resize in the preprocessing: resize = [height, width]",
            )
        return image

    def _read(self, file: Path) -> Array:
        from PIL import Image, UnidentifiedImageError

        try:
            with Image.open(file) as image:
                self._mode = self._mode or _kept_mode(image)
                pixels = np.asarray(image.convert(self._mode))
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as e:
            raise BadInput(f"{file}: not an image that can be read ({e})") from e
        except Image.DecompressionBombError as e:
            raise BadInput(f"{file}: too large an image ({e})") from e
        if pixels.ndim == 2:
            pixels = pixels[..., None]
        return pixels if self._resize is None else resize(pixels[None], self._resize)[0]


def _images(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_file() and p.suffix.lower() in SUFFIXES)


def _kept_mode(image: Image) -> str:
    if image.mode in DEEP_MODES:
        return str(image.mode)
    return "L" if image.mode in ("1", "L", "LA") else "RGB"


def _said(shape: tuple[int, ...]) -> str:
    return "x".join(str(n) for n in shape[:2])
