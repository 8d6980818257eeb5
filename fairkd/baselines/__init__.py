"""What a user would try instead of a constraint in training, with Fairlearn."""
