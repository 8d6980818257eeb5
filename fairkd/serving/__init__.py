"""A finished student on raw rows: what it needs beside its weights, and the probabilities it gives.

This room knows data preparation and models, and nothing of training, tracking or configuration.
"""
