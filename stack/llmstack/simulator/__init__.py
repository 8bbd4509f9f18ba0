"""The simulator: servers of language models as clients and metrics know them, on no GPU."""
