"""A member's seat on its own device: what it holds, what it is shown, and what it answers."""
