"""Scripts that make the data files of the package anew, from released packages."""
