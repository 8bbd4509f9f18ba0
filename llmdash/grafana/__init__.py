"""Delivery to a Grafana: what is wanted, what is there, the plan between, and its carrying out."""
