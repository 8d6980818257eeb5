"""Parts of a job, made from its sections of the configuration."""
