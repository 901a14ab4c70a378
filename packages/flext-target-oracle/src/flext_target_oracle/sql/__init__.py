"""Everything that becomes SQL, as values: names, types, plans and statement texts.

Pure: no driver, no clock, no settings object.
"""
