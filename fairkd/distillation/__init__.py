"""Pure loss functions between student and teacher, one family a file."""
