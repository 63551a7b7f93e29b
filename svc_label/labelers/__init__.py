"""The labelers: algorithms that propose labels, found through the entry points `upwell.labelers`."""
