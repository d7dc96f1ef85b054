"""What comes out: opened bids and causes, the record of each stage, the transcript."""
