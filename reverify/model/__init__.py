"""The nouns of reverify: frozen, and without I/O."""
