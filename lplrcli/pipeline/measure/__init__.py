"""The error of what decodes."""
