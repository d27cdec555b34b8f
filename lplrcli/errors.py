"""Tree of the errors that this package raises on purpose.

LplrError
├── InputError (ValueError)          the matrix given cannot be compressed
│   ├── UnknownFormatError           no format recognises the content
│   ├── NotAMatrixError              readable, but no real array that makes a matrix
│   └── NonFiniteError               NaN or infinity among the entries
├── OutputError (OSError)            the output cannot be written where it was asked for
├── PlanError (ValueError)           the options contradict the matrix or each other
│   └── TargetUnreachableError       no file can meet the target; says what could be
├── ContainerError (ValueError)      the .lplr file cannot be used
│   ├── NotLplrError                 the signature is missing
│   ├── UnsupportedVersionError      written by a format version this package does not read
│   ├── CorruptSectionError          structure or checksum wrong
│   └── UnknownSectionError          a critical section this package does not know
├── ClusterError (RuntimeError)      the cluster cannot do the work, or lost it for good
├── MemoryLimitError (MemoryError)   more memory is needed than was allowed; says how much
└── MissingDependencyError (ImportError)

Every error keeps its datum as attributes and prints as at most two lines: the file and what is
wrong, then what to do. Quoted values may come from files of any origin: control characters are
shown as escapes, so that they do nothing to a terminal, and long values are cut.
"""

from __future__ import annotations

from typing import Any

_LONGEST_VALUE, _LONGEST_TEXT = 300, 1000
"""Most characters of a quoted value, and of a sentence, which may itself quote values."""


def printable(text: str) -> str:
    r"""Replace what a terminal would not show as it is by escapes.

    Replaced are control characters, marks that turn the direction of writing, and bytes of file
    names that are not text.

    Examples
    --------
    >>> print(printable("a\tb"))
    a\tb
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def printable_lines(text: str) -> str:
    """Replace in each line what a terminal would not show as it is."""
    return "\n".join(map(printable, text.split("\n")))


class LplrError(Exception):
    """Root of every error this package raises on purpose.

    Parameters
    ----------
    message : str
        What is wrong, in one sentence without a final period.
    path : str, optional
        The file (or ``<stdin>``) it concerns; printed first.
    found, expected : object, optional
        The offending value and what was required in its place.
    advice : str, optional
        What to do about it; printed on a second line.

    Examples
    --------
    >>> print(InputError("the array is empty", path="a.npy", found="shape (0, 3)"))
    a.npy: the array is empty: found shape (0, 3)
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        found: object = None,
        expected: object = None,
        advice: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.found = found
        self.expected = expected
        self.advice = advice

    def __str__(self) -> str:
        text = f"{printable(self.path)}: " if self.path else ""
        text += _cut(self.sentence, _LONGEST_TEXT)
        if self.found is not None:
            text += f": found {_cut(self.found, _LONGEST_VALUE)}"
        if self.expected is not None:
            text += (", " if self.found is not None else ": ") + "expected "
            text += _cut(self.expected, _LONGEST_VALUE)
        return f"{text}\n{_cut(self.advice, _LONGEST_TEXT)}" if self.advice else text

    @property
    def sentence(self) -> str:
        """Message with the place of the fault, if the error knows it."""
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors of workers are pickled, whatever the parameters of their class are.
        return _restored, (type(self), self.args), self.__dict__


def _cut(value: object, most: int) -> str:
    text = printable(str(value))
    return text if len(text) <= most else f"{text[:most]}..."


def _restored(kind: type[LplrError], arguments: tuple[Any, ...]) -> LplrError:
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    return error


class InputError(LplrError, ValueError):
    """Input that cannot be read or compressed."""


class UnknownFormatError(InputError):
    """Content that no input format recognises."""


class NotAMatrixError(InputError):
    """Readable data that is not an array of real numbers, or does not unfold to a matrix."""


class NonFiniteError(InputError):
    """Matrix with NaN or infinity among its entries.

    Attributes
    ----------
    count : int
        Number of entries that are not finite.
    position : tuple of int
        Row and column of the first one, or its index in an array of more axes.
    """

    def __init__(self, count: int, position: tuple[int, ...], *, path: str | None = None) -> None:
        where = f"index {position}"
        if len(position) == 2:
            where = f"row {position[0]}, column {position[1]}"
        super().__init__(
            f"{count} {'entry is' if count == 1 else 'entries are'} NaN or infinite, "
            f"the first at {where}",
            path=path,
            advice="Replace or remove them first; lplr compresses finite numbers only.",
        )
        self.count = count
        self.position = position


class OutputError(LplrError, OSError):
    """Output that cannot be written where it was asked for."""

    # OSError defines its own __str__ from errno; the message of LplrError is the clearer one.
    __str__ = LplrError.__str__


class PlanError(LplrError, ValueError):
    """Options that contradict the matrix or each other."""


class TargetUnreachableError(PlanError):
    """Target that no file can meet; the message says what can be met."""

    exit_code = 4


class ContainerError(LplrError, ValueError):
    """Fault of an ``.lplr`` file.

    Attributes
    ----------
    section : str or None
        Tag of the section concerned.
    offset : int or None
        Offset in the file, in bytes, at which the fault lies.
    """

    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        section: str | None = None,
        offset: int | None = None,
        found: object = None,
        expected: object = None,
        advice: str | None = None,
    ) -> None:
        super().__init__(message, path=path, found=found, expected=expected, advice=advice)
        self.section = section
        self.offset = offset

    def located(self, path: str, section: str, offset: int) -> ContainerError:
        """Copy the error with its place, for a check that sees the bytes of a section alone."""
        return type(self)(
            self.message,
            path=path,
            section=section,
            offset=offset,
            found=self.found,
            expected=self.expected,
            advice=self.advice,
        )

    @property
    def sentence(self) -> str:
        """Message with section and offset."""
        where = f"section {self.section}: " if self.section else ""
        at = f" (at byte {self.offset})" if self.offset is not None else ""
        return f"{where}{self.message}{at}"


class NotLplrError(ContainerError):
    """File that does not start with the ``.lplr`` signature."""


class UnsupportedVersionError(ContainerError):
    """File of a format version that this package does not read."""


class CorruptSectionError(ContainerError):
    """File in which the structure, a checksum or a field is wrong."""


class UnknownSectionError(ContainerError):
    """File with a critical section that this package does not know."""


class ClusterError(LplrError, RuntimeError):
    """Cluster that cannot be reached, differs from this machine, or lost work too often."""


class MemoryLimitError(LplrError, MemoryError):
    """Work that needs more memory than was allowed; the message says how much."""


class MissingDependencyError(LplrError, ImportError):
    """Request that needs an optional package which is not installed."""

    __str__ = LplrError.__str__
