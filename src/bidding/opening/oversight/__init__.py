"""What people decide or object to at an opening: supervisor, host, bidders."""
