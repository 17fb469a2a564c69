"""Results: a ledger read into typed values, and every decision about what its numbers count as."""
