"""Red flags: clues computed from opened bids, with their article, base rate and other reading."""
