"""What models tell about the rows that trained them."""
