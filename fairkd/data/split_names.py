"""What the parts of a data set are called."""

SPLITS = ("train", "validation", "test")
CERTIFY = "certify"
"""The split of rows that certify bounds, where there are such rows."""
