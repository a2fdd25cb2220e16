"""`toolkit plugins new`: the package that a plugin author begins with."""
