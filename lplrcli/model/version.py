"""Version of the package; the file format has one of its own, in SPEC.md."""

__version__ = "0.1.0"
