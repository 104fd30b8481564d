"""The machine that measures: its chip, its heat, the versions of what runs on it."""

import ctypes
import ctypes.util
import platform
import resource
import subprocess
import sys
from pathlib import Path

from mlx_vader.versions import VERSION, installed

PACKAGES = ("mlx", "torch", "coremltools", "numpy", "av")
_THERMAL = {0: "nominal", 1: "fair", 2: "serious", 3: "critical"}


def chip() -> str:
    """The processor's name: "Apple M4", "AMD EPYC 9654"."""
    if sys.platform == "darwin":
        return _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    names = (line.split(":", 1)[1].strip() for line in lines.splitlines() if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def versions() -> dict[str, str]:
    """Versions of Python, the system and the packages that a frame passes through."""
    here = {"vader-mlx": VERSION, "python": platform.python_version(), "system": platform.platform()}
    return here | installed(PACKAGES)


def thermal_state() -> dict[str, object] | None:
    """On a Mac the thermal state, low-power mode and CPU speed limit (percent) as macOS tells them; else `None`.

    Latency drifts with heat while the state still says nominal, so this explains a bad run and excuses no good one.
    """
    if sys.platform != "darwin":
        return None
    state: dict[str, object] = {}
    process = _process_info()
    if process is not None:
        number, low_power = process
        state = {"state": _THERMAL.get(number, str(number)), "low_power": bool(low_power)}
    for line in _output("pmset", "-g", "therm").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "CPU_Speed_Limit":
            state["cpu_speed_limit"] = int(value)
    return state or None


def _process_info() -> tuple[int, int] | None:
    """`NSProcessInfo.thermalState` and `.isLowPowerModeEnabled`."""
    try:
        ctypes.CDLL("/System/Library/Frameworks/Foundation.framework/Foundation")
        objc = ctypes.CDLL("/usr/lib/libobjc.A.dylib")
        objc.objc_getClass.restype = objc.sel_registerName.restype = ctypes.c_void_p
        objc.objc_getClass.argtypes = objc.sel_registerName.argtypes = [ctypes.c_char_p]

        def send(receiver: int, name: bytes, result: type) -> int:
            message = ctypes.CFUNCTYPE(result, ctypes.c_void_p, ctypes.c_void_p)(("objc_msgSend", objc))
            return message(receiver, objc.sel_registerName(name))

        info = send(objc.objc_getClass(b"NSProcessInfo"), b"processInfo", ctypes.c_void_p)
        low_power = send(info, b"isLowPowerModeEnabled", ctypes.c_bool)
        return send(info, b"thermalState", ctypes.c_long), low_power
    except (OSError, AttributeError, ctypes.ArgumentError):
        return None


def _output(*command: str) -> str:
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip()


def peak_rss_mib() -> float:
    """The most memory that this process has held, in MiB."""
    if sys.platform == "linux":
        # Not `getrusage`: there a process inherits the peak of the one that started it.
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.split("VmHWM:")[1].split()[0]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
