"""What the recipes that teach conversations share."""
