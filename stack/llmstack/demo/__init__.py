"""The demonstration: simulated servers, all that watches them, and a live table in a terminal."""
