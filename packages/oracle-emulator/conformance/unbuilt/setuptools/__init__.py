"""In the place of setuptools, where a distribution is downloaded that is read and never built."""
