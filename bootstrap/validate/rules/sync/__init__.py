"""Controller objects (Argo CD, Flux): their source, project and namespace, and the sync order."""
