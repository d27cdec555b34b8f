"""Version of the package; the file format has its own version, stated in SPEC.md."""

__version__ = "0.2.0"
