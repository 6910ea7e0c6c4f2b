package kit

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of the times in /proc/PID/stat: USER_HZ, 100 on every Linux (man 5 proc).
const tick = time.Second / 100

// errProc says that /proc is not as Linux has it.
var errProc = errors.New("not as man 5 proc says")

// Peak is the most memory that a process had resident, in bytes (VmHWM).
func Peak(pid int) (int64, error) {
	name := file(pid, "status")
	data, err := os.ReadFile(name)
	if err != nil {
		return 0, fmt.Errorf("read peak memory: %w", err)
	}
	return parsePeak(name, string(data))
}

func parsePeak(name, text string) (int64, error) {
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, "VmHWM:")
		if !ok {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
		if err != nil {
			break
		}
		return kib << 10, nil
	}
	return 0, fmt.Errorf("read %s: %w", name, errProc)
}

// CPU is the time that a process has spent on the CPU, its own and the kernel's for it, to 10 ms.
func CPU(pid int) (time.Duration, error) {
	name := file(pid, "stat")
	data, err := os.ReadFile(name)
	if err != nil {
		return 0, fmt.Errorf("read CPU time: %w", err)
	}
	return parseCPU(name, string(data))
}

func parseCPU(name, text string) (time.Duration, error) {
	// The second field is the program's name in parentheses, which may hold anything.
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	const user, system = 14 - 3, 15 - 3 // numbered from the third field on
	if len(fields) <= system {
		return 0, fmt.Errorf("read %s: %w", name, errProc)
	}
	u, err1 := strconv.ParseInt(fields[user], 10, 64)
	s, err2 := strconv.ParseInt(fields[system], 10, 64)
	if errors.Join(err1, err2) != nil {
		return 0, fmt.Errorf("read %s: %w", name, errProc)
	}
	return time.Duration(u+s) * tick, nil
}

func file(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }
