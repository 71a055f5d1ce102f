"""What `yichuang status` shows: looked at (`looking`), judged (`judging`) and put on a screen (`screen`).

Only looks. Asks tables first, so that most of it is told when nothing runs.
"""
