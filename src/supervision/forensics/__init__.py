"""What files give away: shared passages, common origin, names of others; pure functions."""
