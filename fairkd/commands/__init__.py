"""Thin command lines over the package."""
