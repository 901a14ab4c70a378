"""How a stream is read: by full load or by incremental windows, page by page, resumably."""
