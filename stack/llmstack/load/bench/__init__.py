"""The same load on several servers, in rounds, and what can be said of their differences."""
