"""The target ``page``: any device with a browser, through a link; each device is a target.

options      where to listen, and for how many devices
certificate  TLS for this run alone
invitation   the address and its code, as a terminal shows them
labels       what a device is called: ``page:chrome-android``
device       one device as a target: its probe, its runtimes, its jobs
crowd        the devices that come, several at once, until as many are done as were awaited
"""
