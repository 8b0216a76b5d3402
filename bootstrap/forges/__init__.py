"""The forges, each through ogr. Only `bootstrap.forges.client` imports these, and only when it connects: ogr takes a second."""
