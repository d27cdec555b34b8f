"""Formats often met and not read: how to recognise them, and one line that converts them."""

from __future__ import annotations

from typing import BinaryIO

from lplrcli.io.formats.magic import EMPTY_ZIP_MAGIC, ZIP_MAGIC, names_in_zip

_STARTS: tuple[tuple[bytes, str, str], ...] = (
    (
        b"PAR1",
        "Parquet",
        "import numpy as np, pandas; "
        "np.save('a.npy', pandas.read_parquet('a.parquet').to_numpy('float32'))",
    ),
    (
        b"ARROW1",
        "Arrow or Feather",
        "import numpy as np, pandas; "
        "np.save('a.npy', pandas.read_feather('a.feather').to_numpy('float32'))",
    ),
    (
        b"GGUF",
        "GGUF",
        "import numpy as np, gguf; "
        "t = gguf.GGUFReader('a.gguf').tensors[0]; "
        "np.save('a.npy', gguf.dequantize(t.data, t.tensor_type))",
    ),
    (
        b"SIMPLE  =",
        "FITS",
        "import numpy as np; from astropy.io import fits; np.save('a.npy', fits.getdata('a.fits'))",
    ),
    *(
        (
            magic,
            "TIFF",
            "import numpy as np, tifffile; np.save('a.npy', tifffile.imread('a.tif'))",
        )
        for magic in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
    ),
    *(
        (
            magic,
            what,
            "import numpy as np; from PIL import Image; np.save('a.npy', Image.open('a.png'))",
        )
        for magic, what in ((b"\x89PNG", "PNG"), (b"\xff\xd8\xff", "JPEG"))
    ),
)
"""First bytes, name, and lines of Python that convert."""

_TORCH = (
    "import torch; from safetensors.torch import save_file; "
    "save_file({k: v.contiguous() for k, v in torch.load('a.pt', weights_only=True).items()}, "
    "'a.safetensors')"
)
_TEXT = "import numpy as np; np.save('a.npy', np.loadtxt('a.csv'{}))"
_LOOKED_AT = 4096
_IN_TABLES = frozenset(b'0123456789+-.,;eEinfaty \t\r\n"')
_TABLES = (".csv", ".tsv", ".txt", ".dat")


def conversion_of(file: BinaryIO, name: str) -> tuple[str, str] | None:
    """Find a format that is not read, but known.

    Parameters
    ----------
    file : binary file
        Seekable; left at no particular position.
    name : str
        Name of the file. Its end tells files of PyTorch before version 1.6.

    Returns
    -------
    tuple of str, or None
        What the file is, and how to convert it.
    """
    file.seek(0)
    start = file.read(_LOOKED_AT)
    for magic, what, code in _STARTS:
        if start.startswith(magic):
            return what, _python(code)
    file.seek(0)
    members = names_in_zip(file) or []
    if any(member.endswith("data.pkl") for member in members) or (
        start[:1] == b"\x80" and name.lower().endswith((".pt", ".pth"))
    ):
        return "a PyTorch file", _python(_TORCH)
    if start.startswith(ZIP_MAGIC):
        return "a zip archive without .npy files", "Extract it, and give one file of it."
    if start.startswith(EMPTY_ZIP_MAGIC):
        return "an empty zip archive", "Save it again with numpy.savez."
    return None


def conversion_of_text(file: BinaryIO, name: str) -> tuple[str, str] | None:
    """Find a table of numbers in text; as `conversion_of`."""
    file.seek(0)
    start = file.read(_LOOKED_AT)
    if _is_table(start, name):
        mark = next((one for one in ",;" if one.encode() in start), None)
        code = _TEXT.format(f", delimiter='{mark}'" if mark else "")
        return f"text, first bytes {start[:8]!r}", _python(code)
    return None


def _python(code: str) -> str:
    return f'Convert it: python -c "{code}"'


def _is_table(start: bytes, name: str) -> bool:
    """Whether it is text of a name that tables have, or nothing but numbers in columns."""
    if not any(digit in start for digit in b"0123456789") or b"\0" in start:
        return False
    return name.lower().endswith(_TABLES) or _IN_TABLES.issuperset(start)
