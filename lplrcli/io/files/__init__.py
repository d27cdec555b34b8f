"""Files and streams: reading what can be read once, and replacing files in one step."""
