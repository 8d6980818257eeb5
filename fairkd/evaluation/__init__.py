"""What a trained model does to each group, measured for the record."""
