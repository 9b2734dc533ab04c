"""The part of Edgewright that a workstation calls on a board over SSH; standard library only.

python -m edgewright_runtimes.agent VERB

  start DIR    the jobs come as NDJSON lines on stdin. Takes the board's lock, starts a process of
               its own that outlives the link and runs them in one fresh worker (``watch``), then
               follows them from their first row. A second ``start`` of the same DIR only follows.
  follow DIR   what the worker wrote from ``--offset`` on, and on until it has ended
  stop DIR     the job at hand ends early; what does not end within two seconds is killed
  remove DIR   forget jobs that ended, with all that they left

DIR is a folder of the job's own. Beside it lies ``lock``: one job at a time on a board. Files that
jobs read lie in a store, under names made of their content (``store``).

On top of the rows of ``protocol``, which come as the worker wrote them, ``start`` and ``follow``
write: ``missing`` (files of the store: nothing was started), ``waiting`` (another job has the lock:
owner, since), ``busy`` (and still has it: nothing was started) or ``waited``, ``starting``,
``started`` (stale: whose lock it was that nobody held), ``file`` (name, at, of, data: base64 of
what the jobs made), and at the end ``ended`` (code, why, log). Only the worker's rows count in
``--offset``. What goes wrong before ``started`` is a ``failure`` row of the stage ``transport``.
"""
