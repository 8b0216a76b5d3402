"""References between objects: whatever an object names exists in the same environment."""
