"""What the archive is asked about many crates at once, and about one on request."""
