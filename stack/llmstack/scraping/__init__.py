"""What servers count: which families of each say what, and how their pages are read."""
