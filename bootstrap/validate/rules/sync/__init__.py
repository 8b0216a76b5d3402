"""What the controller syncs by, and the order in which it brings an environment up."""
