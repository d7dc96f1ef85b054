"""The rules behind the red flags: pure functions from an examined field to findings."""
