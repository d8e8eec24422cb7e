//! The parts of the kernel in which most of its holes were found, and what only an administrator may.

use super::stoppers::{DESCRIPTOR, FILTER, PRIVILEGE, PRIVILEGED_FILE, TRACE};
use super::sys::{
    Failed, Reached, check, descriptor, objects_to_arguments, open, read, sys, write, zeroed,
};
use super::tasks::prctl;
use super::{Probe, native};
use ipc::sandbox::Layer::{Capabilities, Namespaces, Rlimits, Seccomp, Uid};
use libc::{EINVAL, O_RDWR, c_int};

pub(super) const PROBES: &[Probe] = &[
    native("io-uring", |_| {
        let mut parameters = [0_u32; 30];
        sys!(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()).map(|_| ())
    })
    .needs("kernel.io_uring_disabled = 0")
    .stopped_by(DESCRIPTOR),
    native("userfaultfd", |_| {
        let user_mode_only = 1;
        sys!(libc::SYS_userfaultfd, user_mode_only).map(|_| ())
    })
    .stopped_by(DESCRIPTOR),
    native("memfd", |_| write(super::sys::memfd(0)?, b"x")).stopped_by(DESCRIPTOR),
    native("memfd-secret", |_| sys!(libc::SYS_memfd_secret, 0).map(|_| ())).stopped_by(DESCRIPTOR),
    native("bpf-map", |_| {
        // BPF_MAP_CREATE: an array of one number.
        let attributes = [2_u32, 4, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        sys!(libc::SYS_bpf, 0, attributes.as_ptr(), size_of_val(&attributes)).map(|_| ())
    })
    .stopped_by(&[Namespaces, Uid, Capabilities, Rlimits, Seccomp]),
    native("perf-event", |_| perf(1, [0, 0], true).map(|_| ())).stopped_by(DESCRIPTOR),
    native("perf-event-of-kernel", |_| perf(1, [0, 0], false).map(|_| ())).stopped_by(&[
        Namespaces,
        Uid,
        Capabilities,
        Rlimits,
        Seccomp,
    ]),
    native("uprobe", |env| {
        let kind = read(open(c"/sys/bus/event_source/devices/uprobe/type", libc::O_RDONLY)?)?;
        let kind = String::from_utf8_lossy(&kind).trim().parse().unwrap_or(0);
        let program = env.file("setuid");
        perf(kind, [program.as_ptr() as u64, 0x78], false).map(|_| ())
    })
    .needs("CONFIG_UPROBE_EVENTS")
    .stopped_by(PRIVILEGED_FILE),
    native("filter-with-listener", |_| {
        prctl(libc::PR_SET_NO_NEW_PRIVS, 1)?;
        // One instruction, "allow", and a descriptor for whoever decides otherwise.
        let allow = libc::sock_filter { code: 6, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW };
        let program = libc::sock_fprog { len: 1, filter: (&raw const allow).cast_mut() };
        let (set, listener) =
            (libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER);
        sys!(libc::SYS_seccomp, set, listener, &raw const program).map(|_| ())
    })
    .stopped_by(DESCRIPTOR),
    #[cfg(target_arch = "x86_64")]
    native("call-of-32-bits", |_| {
        let own: i64;
        // SAFETY: getpid, by its number among the calls of 32 bits, takes nothing and changes nothing
        // but the result.
        unsafe {
            std::arch::asm!("int 0x80", inlateout("rax") 20_i64 => own,
                out("r8") _, out("r9") _, out("r10") _, out("r11") _);
        }
        check(own > 0, "no such call")
    })
    .needs("CONFIG_IA32_EMULATION")
    .stopped_by(FILTER),
    #[cfg(target_arch = "x86_64")]
    native("call-of-x32", |_| sys!(0x4000_0000 | libc::SYS_getpid).map(|_| ()))
        .needs("CONFIG_X86_X32_ABI")
        .stopped_by(FILTER),
    native("call-of-no-number", |_| {
        // What is no call today may be one tomorrow: it is the filter that has to answer.
        objects_to_arguments(sys!(4000), libc::ENOSYS)
    })
    .stopped_by(FILTER),
    #[cfg(target_arch = "x86_64")]
    native("modify-ldt", |_| {
        // struct user_desc: an empty segment of 32 bits.
        let segment = [0_u32, 0, 0, 0x28];
        sys!(libc::SYS_modify_ldt, 1, segment.as_ptr(), 16).map(|_| ())
    })
    .stopped_by(FILTER),
    #[cfg(target_arch = "x86_64")]
    native("arch-prctl", |_| {
        let (set_gs, get_gs) = (0x1001, 0x1004);
        let mut now = 0_u64;
        sys!(libc::SYS_arch_prctl, set_gs, 0x1000)?;
        sys!(libc::SYS_arch_prctl, get_gs, &raw mut now)?;
        check(now == 0x1000, "it stays the same")
    })
    .stopped_by(FILTER),
    #[cfg(target_arch = "x86_64")]
    native("io-ports", |_| sys!(libc::SYS_ioperm, 0x80, 1, 1).map(|_| ()))
        .needs("CONFIG_X86_IOPL_IOPERM")
        .stopped_by(PRIVILEGE),
    native("terminal-input", |_| types(libc::TIOCSTI)).stopped_by(PRIVILEGED_FILE),
    native("terminal-input-high-bits", |_| {
        // The kernel looks at 32 bits of the request, a careless filter at 64.
        types(libc::TIOCSTI | 0x1_0000_0000)
    })
    .stopped_by(PRIVILEGED_FILE),
    native("ioctl", |_| {
        let mut waiting: c_int = -1;
        sys!(libc::SYS_ioctl, super::env::OWN_SOCKET, libc::FIONREAD, &raw mut waiting)?;
        check(waiting >= 0, "no number")
    })
    .stopped_by(FILTER),
    native("kexec", |_| {
        let no_such_flag = 0x8000;
        objects_to_arguments(sys!(libc::SYS_kexec_load, 0, 0, 0, no_such_flag), EINVAL)
    })
    .needs("CONFIG_KEXEC")
    .stopped_by(PRIVILEGE),
    native("load-module", |_| {
        let no_module = [0_u8; 64];
        let loaded = sys!(libc::SYS_init_module, no_module.as_ptr(), no_module.len(), c"");
        objects_to_arguments(loaded, libc::ENOEXEC)
    })
    .needs("CONFIG_MODULES")
    .stopped_by(PRIVILEGE),
    native("kernel-log", |_| {
        let mut text = [0_u8; 4096];
        let read_all = 3;
        let len = sys!(libc::SYS_syslog, read_all, text.as_mut_ptr(), text.len())?;
        check(len > 0, "no text")
    })
    .stopped_by(PRIVILEGE),
    native("reboot", |_| objects_to_arguments(sys!(libc::SYS_reboot, 1, 2, 3, 0), EINVAL))
        .stopped_by(&[Uid, Capabilities, Seccomp]),
    native("swapon", |env| {
        objects_to_arguments(sys!(libc::SYS_swapon, &*env.file("open"), 0), EINVAL)
    })
    .stopped_by(TRACE),
    native("clock", |_| {
        // ADJ_TICK, to what it is.
        let mut clock: libc::timex = zeroed();
        sys!(libc::SYS_adjtimex, &raw mut clock)?;
        clock.modes = 0x4000;
        sys!(libc::SYS_adjtimex, &raw mut clock).map(|_| ())
    })
    .stopped_by(PRIVILEGE),
    native("quota", |_| {
        let sync = 0x80_0001_u32 << 8;
        sys!(libc::SYS_quotactl, sync, 0, 0, 0).map(|_| ())
    })
    .needs("CONFIG_QUOTA")
    .stopped_by(FILTER),
    native("restartable-sequence", |_| {
        // 32 bytes for the kernel to write to at every switch, twice: libc has one already.
        let mut area = Box::new([0_u64; 8]);
        let place = area.as_mut_ptr().map_addr(|address| (address + 31) & !31);
        objects_to_arguments(sys!(libc::SYS_rseq, place, 32, 0, 0x5305_3053), EINVAL)
    })
    .stopped_by(FILTER),
    native("membarrier", |_| {
        let register_private_expedited = 1 << 4;
        sys!(libc::SYS_membarrier, register_private_expedited, 0, 0).map(|_| ())
    })
    .stopped_by(FILTER),
    native("landlock-of-its-own", |_| {
        let version = 1;
        sys!(libc::SYS_landlock_create_ruleset, 0, 0, version).map(|_| ())
    })
    .stopped_by(FILTER),
    native("trace-me", |_| sys!(libc::SYS_ptrace, libc::PTRACE_TRACEME, 0, 0, 0).map(|_| ()))
        .stopped_by(FILTER),
    native("no-time-stamp-counter", |_| prctl(libc::PR_SET_TSC, libc::PR_TSC_ENABLE as usize))
        .stopped_by(FILTER),
];

/// Opens a counter of this process (perf_event_open(2)).
fn perf(kind: u32, config: [u64; 2], only_user: bool) -> Result<usize, Failed> {
    // struct perf_event_attr: type and size; in the sixth word disabled, exclude_kernel, exclude_hv;
    // config1 and config2 in the eighth and the ninth.
    let mut attributes = [0_u64; 16];
    attributes[0] = u64::from(kind) | (128 << 32);
    attributes[5] = if only_user { 0b110_0001 } else { 1 };
    [attributes[7], attributes[8]] = config;
    sys!(libc::SYS_perf_event_open, attributes.as_ptr(), 0, -1, -1, 0)
}

/// Types a line on a terminal made for it, and reads it there as if a user had typed it.
fn types(request: u64) -> Reached {
    let ours = open(c"/dev/ptmx", O_RDWR | libc::O_NOCTTY)?;
    let unlocked: c_int = 0;
    sys!(libc::SYS_ioctl, ours, libc::TIOCSPTLCK, &raw const unlocked)?;
    let theirs = sys!(libc::SYS_ioctl, ours, libc::TIOCGPTPEER, O_RDWR | libc::O_NOCTTY)?;
    for byte in [b'x', b'\n'] {
        sys!(libc::SYS_ioctl, theirs, request, &raw const byte)?;
    }
    check(read(descriptor(theirs))? == b"x\n", "other bytes")
}
