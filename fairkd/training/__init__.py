"""The objective, and the Lightning modules that minimise it."""
