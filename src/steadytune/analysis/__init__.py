"""The numpy half: reads records, judges runs, summarizes them. Never imports torch."""
