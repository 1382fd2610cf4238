"""What each read costs as the record and the gazetteer grow."""
