"""What bidders, custodians and remedy members hand in once the list is signed."""
