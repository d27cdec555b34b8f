"""From numbers to coded factors."""
