"""glassbotan simulate: data made here, one file a command."""
