"""Read a repository at one commit and say what its files show: a library of its own, without web framework or database."""
