"""What each mode would reach for a target, and which to take."""
