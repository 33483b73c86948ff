"""What does the specification ask? An adapter to a profile engine, and our own eyes."""
