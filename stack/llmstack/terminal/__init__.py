"""Drawing in a terminal: braille charts, strips coloured by intensity, figures of fixed width."""
