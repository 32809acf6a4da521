"""glassbotan figure: the announcement's pictures, one file a picture."""
