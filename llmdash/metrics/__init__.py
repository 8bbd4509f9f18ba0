"""The catalogues: what each exporter exposes, as facts and nothing else."""
