"""The command ``steadytune reproduce``: run the parts of a reproduction, judge, write it up."""
