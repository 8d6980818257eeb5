"""A model card: what a student is, what it does to each group, and what nobody looked at."""
