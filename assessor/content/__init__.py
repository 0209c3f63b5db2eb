"""The content of rubrics/ as frozen records: schema, loader, lint; no question and no advice stands in code."""
