//! The limits of the machine: how many processes it can hold for this user, which limit is the
//! narrowest, and which one it was where a process could not be had.

mod bound;
mod groups;

pub(crate) use bound::{Bound, bounds};

use groups::pids_groups;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use rustix::io::Errno;
use std::{fs, io};

/// The largest `kernel.pid_max` that a 64-bit kernel takes.
const PID_MAX_MOST: u64 = 4_194_304;

/// Numbers that the kernel gives to nobody else once they have been used, and tasks of its own.
const TASKS_KEPT: u64 = 300;

/// What is short where a process cannot be had, and what helps. `None` where the error is not one of a
/// limit of the machine.
pub(crate) fn shortage(error: &io::Error) -> Option<String> {
    // A zygote may have said any number.
    Some(match Errno::from_io_error(error)? {
        Errno::MFILE | Errno::TOOMANYREFS => {
            let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
            no_descriptors(limit)
        }
        Errno::NFILE => "the whole machine is short of descriptors (fs.file-max); raise that with \
                         sysctl, or end processes"
            .to_owned(),
        Errno::AGAIN => no_task(),
        Errno::NOMEM => "the machine is short of memory; end processes, or give it more".to_owned(),
        Errno::NOSPC => "the kernel has no room for a further one (fs.epoll.max_user_watches, \
                         user.max_user_namespaces); raise that with sysctl, or end processes"
            .to_owned(),
        Errno::DQUOT => {
            "the user's quota of keys is used up (kernel.keys.maxkeys); raise that with \
                         sysctl, or end processes"
                .to_owned()
        }
        _ => return None,
    })
}

/// What is said where the table of descriptors is full.
pub(crate) fn no_descriptors(limit: u64) -> String {
    format!(
        "wabe is short of descriptors (RLIMIT_NOFILE, {limit}); raise that with 'ulimit -n' or \
         LimitNOFILE=, or end processes"
    )
}

/// clone(2) says EAGAIN for four limits. Three of them can be seen to be reached; else it was the
/// fourth.
fn no_task() -> String {
    let full = pids_groups().into_iter().find(|group| group.used >= group.max);
    if let Some(group) = full {
        return format!(
            "the control group of wabe, or one above it, is full (pids.max, {}); raise that or \
             TasksMax=, or end processes",
            group.max
        );
    }
    let tasks = tasks().unwrap_or(0);
    for name in ["threads-max", "pid_max"] {
        let most = number(&format!("/proc/sys/kernel/{name}")).unwrap_or(u64::MAX);
        if tasks.saturating_add(TASKS_KEPT) >= most {
            return format!(
                "the machine has as many tasks as it may have (kernel.{name}, {most}); raise that \
                 with sysctl, or end processes"
            );
        }
    }
    let limit = getrlimit(Resource::RLIMIT_NPROC).map_or(RLIM_INFINITY, |(soft, _)| soft);
    let limit = if limit == RLIM_INFINITY { "none here".to_owned() } else { limit.to_string() };
    format!(
        "this user has as many processes as it may have (RLIMIT_NPROC, {limit}); raise that with \
         'ulimit -u' or LimitNPROC=, or end processes"
    )
}

/// A file that holds a number.
fn number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// All tasks of the machine (proc_loadavg(5): running/all).
fn tasks() -> Option<u64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').nth(3)?.split_once('/')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_limit_names_it_and_no_other_does() {
        for (errno, name) in [
            (Errno::MFILE, "RLIMIT_NOFILE"),
            (Errno::TOOMANYREFS, "RLIMIT_NOFILE"),
            (Errno::NFILE, "fs.file-max"),
            (Errno::NOMEM, "memory"),
            (Errno::DQUOT, "kernel.keys.maxkeys"),
        ] {
            let text = shortage(&errno.into()).unwrap_or_default();
            assert!(text.contains(name), "{errno}: {text}");
        }
        let text = shortage(&Errno::AGAIN.into()).unwrap_or_default();
        assert!(text.contains("RLIMIT_NPROC") || text.contains("_max"), "{text}");
        for errno in [Errno::PERM, Errno::INVAL, Errno::NOENT, Errno::NOSYS] {
            assert_eq!(shortage(&errno.into()), None, "{errno}");
        }
        for number in [0, -1, 4096, i32::MAX, i32::MIN] {
            assert_eq!(shortage(&io::Error::from_raw_os_error(number)), None, "{number}");
        }
    }

    #[test]
    fn the_machine_has_tasks() {
        assert!(tasks().is_some_and(|tasks| tasks > 1));
        assert!(number("/proc/sys/kernel/pid_max").is_some_and(|most| most > 1));
    }
}
