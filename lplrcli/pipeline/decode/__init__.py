"""From coded factors to numbers; nothing here needs what encodes."""
