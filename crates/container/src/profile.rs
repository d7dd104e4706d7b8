//! What a container's processes may do: capabilities, system calls, masked paths.

use serde_json::{Value, json};

/// What root inside a workload keeps; users other than root keep nothing.
const WORKLOAD: &[&str] =
    &["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETGID", "CAP_SETUID"];

/// What root keeps while an image is built: package managers set file capabilities and change their root.
const BUILD: &[&str] = &["CAP_SETFCAP", "CAP_SETPCAP", "CAP_SYS_CHROOT"];

/// System calls that reach past the container or load code into the kernel. Most need a capability that is not there;
/// this is the second lock.
const DENIED: &[&str] = &[
    "acct",
    "add_key",
    "bpf",
    "clock_adjtime",
    "clock_settime",
    "create_module",
    "delete_module",
    "fanotify_init",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "get_kernel_syms",
    "init_module",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "lookup_dcookie",
    "mount",
    "mount_setattr",
    "move_mount",
    "move_pages",
    "name_to_handle_at",
    "nfsservctl",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "pivot_root",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "query_module",
    "quotactl",
    "quotactl_fd",
    "reboot",
    "request_key",
    "setns",
    "settimeofday",
    "stime",
    "swapoff",
    "swapon",
    "sysfs",
    "_sysctl",
    "umount",
    "umount2",
    "unshare",
    "uselib",
    "userfaultfd",
    "ustat",
    "vm86",
    "vm86old",
];

/// The flags of `clone` that make a namespace: mount, cgroup, UTS, IPC, user, PID, network.
const NEW_NAMESPACES: [u64; 7] = [0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];
const ENOSYS: u32 = 38;

/// The capabilities of a process.
pub fn capabilities(uid: u32, building: bool) -> Value {
    let kept: Vec<&str> = match (uid, building) {
        (0, false) => WORKLOAD.to_vec(),
        (0, true) => [WORKLOAD, BUILD].concat(),
        _ => Vec::new(),
    };
    json!({"bounding": kept, "effective": kept, "permitted": kept, "inheritable": [], "ambient": []})
}

/// The filter for system calls: everything but what is denied.
pub fn seccomp() -> Value {
    let namespaces: Vec<Value> =
        NEW_NAMESPACES.iter().map(|flag| json!({"index": 0, "value": flag, "valueTwo": flag, "op": "SCMP_CMP_MASKED_EQ"})).collect();
    json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_NATIVE"],
        "syscalls": [
            {"names": DENIED, "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
            // its flags lie in memory where a filter cannot look: programs fall back to `clone`
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": ENOSYS},
            {"names": ["clone"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "args": namespaces},
        ],
    })
}

/// Paths that show the machine rather than the container (the runtime's usual list).
pub fn masked() -> Value {
    json!([
        "/proc/acpi",
        "/proc/asound",
        "/proc/kcore",
        "/proc/keys",
        "/proc/latency_stats",
        "/proc/timer_list",
        "/proc/timer_stats",
        "/proc/sched_debug",
        "/proc/scsi",
        "/sys/firmware",
        "/sys/devices/virtual/powercap"
    ])
}

/// Paths that may be read only.
pub fn read_only() -> Value {
    json!(["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"])
}
