"""A live view of servers in a terminal: from a Prometheus, or straight from their own pages."""
