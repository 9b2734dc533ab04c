"""A browser of this machine, driven through Playwright.

finding    which program a name stands for
flags      what it is started with, so that nothing leaves the machine
loop       Playwright's event loop in a thread of its own, everything under a time limit
processes  a browser's processes, and their end
driving    one browser: started, watched, opened a page, closed
target     the target ``browser:NAME``: runtimes, a fresh page for each round, what is in force
host       what the machine around the browser was like
"""
