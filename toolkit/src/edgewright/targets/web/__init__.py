"""The web server that a page runs its jobs from, in a browser here or on any device.

    GET  /<token>/                      the page; app/, vendor/, licences/ below it are its files
    GET  /<token>/job?have=ID&page=P&protocol=1   long poll, 20 s at most: one JSON job, or none
    GET  /<token>/file/<id>/<name>/...  a file of the job at hand, ranges too
    PUT  /<token>/out/<id>/<name>       a file that the job writes
    POST /<token>/rows/<id>             NDJSON rows, each with ``seq`` from 0
    POST /<token>/seen                  nothing; the page lives

``have`` is the id of the last job the page took, empty where it has none: so a job whose answer
was lost, or whose page was loaded anew, is given again, under a new id where rows of it came.
``page`` is the page's own name for itself, another one each time it is loaded: a job goes to the
newest alone, and an older one (another tab) is told 410.
A page in somebody's hand gets a job more, ``ask``: it shows ``what`` and the ``lines`` of what
will run, and the name ``label``, which may be changed; a tap answers with the row ``ready``
(``label``) and ``done``. Its other jobs carry ``shown``, a line for whoever looks at it.

Answers, each with a JSON object:

    200  of rows: ``next`` (the ``seq`` wanted now)
    204  no job yet: ask again
    400  a row is not one of the protocol: the job has failed, ask for the next
    409  the job is over, or was given out anew: leave it, ask for the next
    408  the body stopped coming: send it again
    410  the seat is closed, with ``words`` to show: do not ask again
    413  too large    429  too much at once: wait ``Retry-After`` seconds, send it again
    426  another protocol: ``protocol`` is this server's; the page must be loaded anew

server    the socket, the thread, the seats         headers   what every answer carries
site      what is answered to which request         files     what may be read, and nothing else
seats     one open page: jobs in, rows out          schema    what a row may be
delivery  one job on its way: order, sequence       arrays    what a file that comes back may be
guard     connections and requests, counted         runtimes  the table of web runtimes
"""
