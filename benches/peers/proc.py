"""What Linux says about processes: CPU time, resident memory, who else is busy."""

import os
import time
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
CPU_CLOCK = 2  # CPUCLOCK_SCHED of <linux/posix-timers.h>: user and system time of all threads, also of those that ended


def family(pid):
    """A process and its children: nginx works in one."""
    found, seen = [pid], 0
    while seen < len(found):
        tasks = Path(f"/proc/{found[seen]}/task").glob("*/children")
        found += [int(child) for task in tasks for child in task.read_text().split()]
        seen += 1
    return found


def cpu_seconds(pids):
    """User and system time of the processes, to the nanosecond (/proc/PID/stat counts in steps of 10 ms)."""
    return sum(time.clock_gettime_ns((~pid << 3) | CPU_CLOCK) for pid in pids) / 1e9


def kernel_seconds(pids):
    """What of it was spent in the kernel, in steps of 10 ms."""
    stats = (Path(f"/proc/{pid}/stat").read_text() for pid in pids)
    return sum(int(stat.rpartition(")")[2].split()[12]) for stat in stats) / TICK


def resident_kib(pids):
    """VmRSS, added up; pages that nginx's processes share count for each of them."""
    lines = (line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def machine_seconds():
    """CPU seconds of the whole machine: busy with anything, and stolen by the hypervisor."""
    user, nice, system, _, _, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq) / TICK, steal / TICK
