"""Cases: a supervisor takes up the clues of a lot; two people decide what they come to."""
