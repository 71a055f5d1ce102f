"""A copy of a part of a log, as evidence and to take it elsewhere. The log itself keeps everything."""
