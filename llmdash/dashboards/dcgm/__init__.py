"""The page of GPUs that the DCGM exporter tells of."""
