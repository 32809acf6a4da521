"""The loops in which the networks spend their time, apart from the networks' definition."""
