"""Still pictures of one job, for a run's artifacts and for paper."""
