"""Teachers and students as plain modules that name their intermediate features."""
