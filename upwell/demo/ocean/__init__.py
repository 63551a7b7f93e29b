"""Ocean: observed temperatures of the tropical Pacific, a forecast of El Nino, and answers about it."""
