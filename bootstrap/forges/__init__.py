"""The forges, each through ogr. Only `bootstrap.forge` imports these, and only when it connects: ogr takes a second."""
