"""Documents for people: PDF files with embedded Chinese type, signed by the platform (PAdES)."""
