"""Actors of Python's multiprocessing: prints start to end and round trip (p50, us)."""

import json
import multiprocessing
import sys
import time


def empty():
    pass


def echo(end):
    while (message := end.recv_bytes()) != b"":
        end.send_bytes(message)


def p50(count, operation):
    times = []
    for _ in range(count):
        began = time.perf_counter_ns()
        operation()
        times.append(time.perf_counter_ns() - began)
    return sorted(times)[count // 2] / 1e3


def start_to_end():
    process = multiprocessing.Process(target=empty)
    process.start()
    process.join()


def actor():
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=echo, args=(theirs,))
    process.start()
    theirs.close()
    return process, ours


def main(starts, trips):
    figures = {"start": p50(starts, start_to_end)}
    process, end = actor()
    text = b"x" * 100

    def round_trip():
        end.send_bytes(text)
        end.recv_bytes()

    figures["round_trip"] = p50(trips, round_trip)
    end.send_bytes(b"")
    process.join()
    print(json.dumps(figures))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
