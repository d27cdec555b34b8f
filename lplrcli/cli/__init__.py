"""The command line: one file per command, errors to text and exit code in `main` alone."""
