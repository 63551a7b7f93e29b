"""Where series come from (CSV, Parquet) and the file they are written to."""
