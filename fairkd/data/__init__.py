"""Real data as tensors: catalogue, fetching, preparation, groups, loaders."""
