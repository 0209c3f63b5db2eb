"""The report of one repository at one commit, and the five forms it is written in; each is imported where it is needed."""
