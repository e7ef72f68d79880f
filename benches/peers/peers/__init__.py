"""Who is measured: one file each, with its configuration. The order is that of the tables."""
