"""From a query string to SQL and parameters: filters, ordering, cursors. Pure; runs nothing."""
