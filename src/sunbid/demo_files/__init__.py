"""The demonstration's real files: tender documents and bids in PDF, DOCX and XLSX, all invented."""
