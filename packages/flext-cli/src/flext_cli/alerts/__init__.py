"""Telling somebody: what is wrong with a job, who is told, and what they were told before."""
