"""Between the catalogue's values and protobuf: a file for each subject."""
