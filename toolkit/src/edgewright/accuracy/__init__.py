"""What an artifact's accuracy became, paired item by item with the source."""
