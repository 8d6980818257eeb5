"""Fairness-aware knowledge distillation, tracked and compared.

What did distillation do to each group of people, and what does it cost to keep that within a bound?
Importing this package imports nothing heavy; each room is imported where it is used.
"""

__version__ = "0.1.0"
