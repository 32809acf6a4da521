"""The network that sees each particle's cage, and the inputs that show it."""
