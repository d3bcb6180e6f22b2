# The peer of libvirt-calls.ts: asks the state of one domain through libvirt's own C library.
# Each input line is "<threads> <calls>"; the answer is the calls per second.
import sys, threading, time
import libvirt

connection = libvirt.open(sys.argv[1])
domain = connection.lookupByName(sys.argv[2])

def ask(count):
    for _ in range(count):
        domain.state()

for line in sys.stdin:
    threads, calls = map(int, line.split())
    start = time.perf_counter()
    if threads == 1:
        ask(calls)
    else:
        crew = [threading.Thread(target=ask, args=(calls // threads,)) for _ in range(threads)]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
    print(calls / (time.perf_counter() - start), flush=True)
