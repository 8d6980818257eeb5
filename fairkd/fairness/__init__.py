"""Per-group statistics, disparities between groups, and how a bound on them is enforced."""
