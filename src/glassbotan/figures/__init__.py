"""Pictures of glasses and of scores; functions take and return Matplotlib axes."""
