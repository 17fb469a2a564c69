"""Questions put to records, answered as tables and text. Reads records only."""
