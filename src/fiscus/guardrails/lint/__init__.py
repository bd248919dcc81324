"""What can be wrong with policies that load: said by name, file and line, with what to do about it."""
