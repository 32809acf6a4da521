"""The pair forms, each in a file of its own; every file here is imported."""
