"""The series family: SeriesLM finds and names the unusual stretches of a time series."""
