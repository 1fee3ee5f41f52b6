#!/usr/bin/env python3
"""Run a program as over a slow line: what it writes to the terminal arrives at so many bits a second.

    slow_link.py BITS COMMAND...        ten bits a byte, as on a serial line; 9600 is what a workbench should bear

Ctrl-C and all other keys go to the program; the line holds little (a modem's buffer), then the program waits.
"""
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
import tty

SLICE = 0.02  # seconds of bytes at a time


def resize(fd):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, fcntl.ioctl(0, termios.TIOCGWINSZ, struct.pack("HHHH", 0, 0, 0, 0)))


def relay(fd, bytes_a_second):
    piece, free_at = max(1, int(bytes_a_second * SLICE)), 0.0
    while True:
        wait = max(0.0, free_at - time.monotonic())
        watched = [0] if wait else [0, fd]
        ready = select.select(watched, [], [], wait or None)[0]
        if 0 in ready:
            os.write(fd, os.read(0, 1024))
        if fd in ready:
            try:
                data = os.read(fd, piece)
            except OSError:
                return
            if not data:
                return
            os.write(1, data)
            free_at = time.monotonic() + len(data) / bytes_a_second


def main():
    bits, command = float(sys.argv[1]), sys.argv[2:]
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    resize(fd)
    signal.signal(signal.SIGWINCH, lambda *_: resize(fd))
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        relay(fd, bits / 10)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


if __name__ == "__main__":
    main()
