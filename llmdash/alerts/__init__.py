"""Alerts: when somebody is told, what the message says, and where it leads."""
