"""The whole loop on real data that pip installs."""
