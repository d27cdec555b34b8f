"""What is known of a matrix before anything is coded."""
