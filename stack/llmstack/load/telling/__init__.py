"""What a run tells others while it goes on: Prometheus, a Pushgateway, and Grafana."""
