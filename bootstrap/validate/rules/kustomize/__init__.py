"""What kustomize reads, what it refuses, and what it passes over in silence."""
