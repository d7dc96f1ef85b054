"""The demonstration: one tender from plan to award, played by separate client processes."""
