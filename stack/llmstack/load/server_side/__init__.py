"""What servers count themselves, read before and after a run, and looked at while it runs."""
