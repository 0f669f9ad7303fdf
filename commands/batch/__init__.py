"""`batch`: recordings by the thousand, done by Ray Data, resumable.

`command.py` is the verb. `inputs.py` and `lists.py` find the recordings, `naming.py` names their outputs, and `plan.py`
tells by the rows of a `Journal` which are to be done. `stream.py` has them done by actors (`worker.py`), each by
`work.py`, and `run.py` keeps the rows as they come.
"""
