"""Reporting currency: dated rates read from the ECB's files, a rate for each day, and the view of charges in both currencies."""
