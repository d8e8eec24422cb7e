//! New processes, threads and namespaces, programs run, identities changed.

use super::env::SOMEBODY;
use super::stoppers::{DESCRIPTOR, FILE, FILTER, PATH, PRIVILEGE, PRIVILEGED_FILE, TREE};
use super::sys::{
    Failed, check, descriptor, end, exited, in_child, open_at, sys, wait, write, zeroed,
};
use super::{Probe, native};
use ipc::sandbox::Layer::{Capabilities, Landlock, Namespaces, NoNewPrivs, Rlimits, Seccomp, Uid};
use libc::{AT_FDCWD, CLONE_NEWUSER, c_int};

pub(super) const PROBES: &[Probe] = &[
    native("fork", |_| exited(in_child(0, || 42)?, 42)).stopped_by(FILTER),
    native("vfork", |_| exited(in_child(libc::CLONE_VFORK as u64, || 42)?, 42)).stopped_by(FILTER),
    native("clone3", |_| clone3(0)).stopped_by(FILTER),
    native("clone-as-sibling", |_| {
        // A child of the supervisor's, which nobody there has asked for.
        match sys!(libc::SYS_clone, libc::CLONE_PARENT, 0, 0, 0, 0)? {
            0 => end(0),
            _ => Ok(()),
        }
    })
    .stopped_by(FILTER),
    native("fork-bomb", |_| {
        // Eight at once, who wait to be killed, and would die with this process.
        let mut born = Vec::new();
        while born.len() < 8 {
            match sys!(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0)? {
                0 => {
                    let _ = prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as usize);
                    let _ = sys!(libc::SYS_ppoll, 0, 0, 0, 0);
                    end(1)
                }
                pid => born.push(pid),
            }
        }
        born.into_iter().try_for_each(|pid| {
            sys!(libc::SYS_kill, pid, libc::SIGKILL)?;
            check(libc::WIFSIGNALED(wait(pid)?), "it ended before")
        })
    })
    .stopped_by(FILTER),
    native("thread", |_| {
        let thread = std::thread::Builder::new().stack_size(64 * 1024).spawn(|| 42);
        let thread = thread.map_err(|error| Failed::Errno(error.raw_os_error().unwrap_or(0)))?;
        check(thread.join().is_ok_and(|code| code == 42), "it did not run")
    })
    .stopped_by(FILTER),
    native("unshare-user", |_| sys!(libc::SYS_unshare, CLONE_NEWUSER).map(|_| ())).stopped_by(PATH),
    native("unshare-net", |_| sys!(libc::SYS_unshare, libc::CLONE_NEWNET).map(|_| ()))
        .stopped_by(&[Uid, Capabilities, Seccomp]),
    native("unshare-mount", |_| sys!(libc::SYS_unshare, libc::CLONE_NEWNS).map(|_| ()))
        .stopped_by(&[Uid, Capabilities, Seccomp]),
    native("clone-user-namespace", |_| exited(in_child(CLONE_NEWUSER as u64, || 42)?, 42))
        .stopped_by(PATH),
    native("clone3-user-namespace", |_| clone3(CLONE_NEWUSER as u64)).stopped_by(PATH),
    native("open-tree", |env| {
        let flags = libc::OPEN_TREE_CLONE;
        let tree = sys!(libc::SYS_open_tree, AT_FDCWD, &*env.file(""), flags)?;
        let file = open_at(descriptor(tree), c"open", libc::O_RDONLY)?;
        super::sys::holds(file, env.secret())
    })
    .stopped_by(PRIVILEGED_FILE),
    native("new-file-system", |_| {
        let context = sys!(libc::SYS_fsopen, c"tmpfs", 0)?;
        sys!(libc::SYS_fsconfig, context, 6 /* FSCONFIG_CMD_CREATE */, 0, 0, 0)?;
        let mounted = descriptor(sys!(libc::SYS_fsmount, context, 0, 0)?);
        let flags = libc::O_CREAT | libc::O_WRONLY;
        write(open_at(mounted, c"probe", flags)?, b"x")
    })
    .stopped_by(&[Uid, Capabilities, Landlock, Rlimits, Seccomp]),
    native("exec-true", |_| {
        let run = super::elf::run_file(AT_FDCWD, c"/bin/true", 0)?;
        exited(run, 0)
    })
    .stopped_by(TREE),
    #[cfg(target_arch = "x86_64")]
    native("exec-memfd", |_| {
        let file = super::sys::memfd(0)?;
        write(file, &super::elf::program())?;
        let run = super::elf::run_file(file, c"", libc::AT_EMPTY_PATH)?;
        let user = sys!(libc::SYS_geteuid)?;
        exited(run, (user & 0xff) as c_int)
    })
    .stopped_by(DESCRIPTOR),
    #[cfg(target_arch = "x86_64")]
    native("exec-set-user-id", |env| {
        // A program whose file says that it runs as its owner.
        let run = super::elf::run_file(AT_FDCWD, &env.file("setuid"), 0)?;
        exited(run, (SOMEBODY & 0xff) as c_int)
    })
    .stopped_by(&[Namespaces, NoNewPrivs, Landlock, Seccomp]),
    native("exec-script", |env| {
        exited(super::elf::run_file(AT_FDCWD, &env.file("script"), 0)?, 42)
    })
    .stopped_by(FILE),
    native("become-root", |_| sys!(libc::SYS_setuid, 0).map(|_| ())).stopped_by(&[Uid, Seccomp]),
    native("become-another", |_| {
        sys!(libc::SYS_setresuid, SOMEBODY, SOMEBODY, SOMEBODY).map(|_| ())
    })
    .stopped_by(PRIVILEGE),
    native("become-another-group", |_| {
        sys!(libc::SYS_setresgid, SOMEBODY, SOMEBODY, SOMEBODY).map(|_| ())
    })
    .stopped_by(PRIVILEGE),
    native("set-groups", |_| sys!(libc::SYS_setgroups, 1, [SOMEBODY].as_ptr()).map(|_| ()))
        .stopped_by(PRIVILEGE),
    native("file-system-user", |_| {
        // Returns the one before, whatever came of it: asked twice, it tells.
        sys!(libc::SYS_setfsuid, SOMEBODY)?;
        check(sys!(libc::SYS_setfsuid, -1)? == SOMEBODY as usize, "it stays the same")
    })
    .stopped_by(PRIVILEGE),
    native("raise-capability", |_| {
        // Version 3 of struct cap_user_header and two of cap_user_data; CAP_DAC_OVERRIDE.
        let (header, mut sets) = ([0x2008_0522_u32, 0], [0_u32; 6]);
        sys!(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr())?;
        sets[0] |= 1 << 1;
        sys!(libc::SYS_capset, header.as_ptr(), sets.as_ptr()).map(|_| ())
    })
    .stopped_by(&[Uid, Capabilities, Seccomp]),
    native("secure-bits", |_| prctl(libc::PR_SET_SECUREBITS, 0)).stopped_by(&[
        Uid,
        Capabilities,
        Seccomp,
    ]),
    native("personality", |_| {
        let no_random_layout = libc::ADDR_NO_RANDOMIZE;
        sys!(libc::SYS_personality, no_random_layout)?;
        let now = sys!(libc::SYS_personality, u32::MAX)?;
        check(now as c_int & no_random_layout != 0, "it stays the same")
    })
    .stopped_by(FILTER),
    native("become-subreaper", |_| prctl(libc::PR_SET_CHILD_SUBREAPER, 1)).stopped_by(FILTER),
    native("new-session", |_| sys!(libc::SYS_setsid).map(|_| ())).stopped_by(FILTER),
    native("new-process-group", |_| sys!(libc::SYS_setpgid, 0, 0).map(|_| ())).stopped_by(FILTER),
    native("hostname", |_| {
        let mut names: libc::utsname = zeroed();
        sys!(libc::SYS_uname, &raw mut names)?;
        let name = names.nodename.map(|c| c as u8);
        let len = name.iter().position(|c| *c == 0).unwrap_or(0);
        sys!(libc::SYS_sethostname, name.as_ptr(), len).map(|_| ())
    })
    .stopped_by(&[Uid, Capabilities, Seccomp]),
];

/// One of libc's settings of the process (prctl(2)).
pub(super) fn prctl(option: c_int, value: usize) -> super::Reached {
    sys!(libc::SYS_prctl, option, value, 0, 0, 0).map(|_| ())
}

fn clone3(flags: u64) -> super::Reached {
    let mut arguments: libc::clone_args = zeroed();
    (arguments.flags, arguments.exit_signal) = (flags, libc::SIGCHLD as u64);
    match sys!(libc::SYS_clone3, &raw mut arguments, size_of_val(&arguments))? {
        0 => end(42),
        pid => exited(wait(pid)?, 42),
    }
}
