"""Pages that any engine has, from the answers of its source."""
