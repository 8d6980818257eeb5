"""Figures that a person can hover over, made from tracked numbers alone."""
