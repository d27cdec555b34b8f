"""From a spectrum and a target to a plan: which component is worth how many bits."""
