"""How is an audit told? Finished nouns in, bytes out; nothing is looked up here."""
