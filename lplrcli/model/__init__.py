"""Types that data travels in between the layers; nothing here computes."""
