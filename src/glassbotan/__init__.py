"""glassbotan: predict how a glass will move from one snapshot of its structure."""
