"""Traces the grader, and reads its memory, its environment and its descriptors."""

import ctypes
import os

PIDS = (int("VICTIM"), os.getppid())
libc = ctypes.CDLL(None, use_errno=True)


def attach(pid):
    if libc.ptrace(16, pid, None, None) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    libc.ptrace(17, pid, None, None)


def read_memory(pid):
    vector = (ctypes.c_size_t * 2)(ctypes.addressof(ctypes.create_string_buffer(8)), 8)
    if libc.process_vm_readv(pid, vector, 1, vector, 1, 0) < 0:
        raise OSError(ctypes.get_errno(), "process_vm_readv")


def read_proc(pid):
    return [open(f"/proc/{pid}/{name}", "rb").read(1) for name in ("environ", "mem", "cmdline")]


WAYS = [(way, pid) for way in (attach, read_memory, read_proc) for pid in PIDS]


def opened(way, pid):
    try:
        way(pid)
    except OSError:
        return False
    return True


def variation_loss(images):
    raise RuntimeError(f"{sum(opened(*each) for each in WAYS)} of {len(WAYS)} ways into another process are open")
