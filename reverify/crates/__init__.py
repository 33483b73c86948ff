"""What is in a crate: opening, listing, reading, digesting, and its metadata."""
