"""Rules about secrets: none in the clear, and each sealed one such that the cluster can open it."""
