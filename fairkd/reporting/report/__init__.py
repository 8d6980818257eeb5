"""What a sweep found, as one page: the answer in sentences, figures, tables, how it was made."""
