"""A run as it is seen in a terminal while it goes on: table, charts, progress."""
