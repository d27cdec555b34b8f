"""Files on disks and streams: read, written, and replaced at once."""
