"""Teachers that are not trained here: where each comes from, and what it says."""
