"""Holds `rogatory request new` at a pseudo-terminal: types the lines of standard input one after the other, each when the
program asks for it, and prints what the program showed. Ends with the program's own code."""
import os
import pty
import select
import sys

lines = sys.stdin.read().split("\n")
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
answered = 0
while True:
    ready, _, _ = select.select([terminal], [], [], 120)
    if not ready:
        sys.exit("the program said nothing for two minutes")
    try:
        more = os.read(terminal, 65536)
    except OSError:
        break
    if not more:
        break
    seen += more
    # A prompt is `> ` at the end of what was shown; lines of one long answer follow without a prompt.
    if seen.endswith(b"> ") and lines:
        block = [lines.pop(0)]
        if block[0].startswith("|"):
            block = [block[0][1:]]
            while lines and block[-1] != ".":
                block.append(lines.pop(0))
        os.write(terminal, ("\n".join(block) + "\n").encode())
_, status = os.waitpid(pid, 0)
sys.stdout.write(seen.decode(errors="replace"))
sys.exit(os.waitstatus_to_exitcode(status))
