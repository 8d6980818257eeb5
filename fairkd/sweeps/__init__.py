"""From the jobs of a sweep to what they say together."""
