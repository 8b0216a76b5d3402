"""What objects name: all of it must be there, in the same environment."""
