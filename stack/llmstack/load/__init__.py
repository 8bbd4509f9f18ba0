"""Traffic for servers of language models: replayed or made, sent on time, and measured truly."""
