"""Hydra looks here for fairkd's launcher and sweepers; scanned at every start, so kept thin."""
