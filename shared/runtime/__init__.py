"""How a service meets the world, one external library a file: bus, database, object store, gRPC, logs."""
