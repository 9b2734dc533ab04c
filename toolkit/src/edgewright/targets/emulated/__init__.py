"""``emulated:pi4`` and ``emulated:pi5``: an arm64 board on this machine, by qemu's user mode.

models    which boards there are: processor, and the files by which programs know it
apt       Debian packages fetched and unpacked, nothing installed
wheels    what the board's Python needs, for its platform
building  all of it in the user's cache, once
board     a board that is built: how a program is started on it
counter   the plugin that counts instructions, and what it wrote
target    the seam ``targets.target``

Right answers and counts of instructions come from here. Times do not: qemu translates the code.
"""
