//! Each limit of the machine, and how many processes it has room for: for `wabe doctor`.

use super::groups::pids_groups;
use super::{PID_MAX_MOST, TASKS_KEPT, number, tasks};
use crate::descriptors;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use rustix::process::geteuid;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::MetadataExt;

/// Memory that is allowed for each process, in bytes: an idle one takes less, one that works takes more.
const PROCESS_MEMORY: u64 = 1 << 20;

/// A limit of the machine or of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    /// What it is called where it is set.
    pub(crate) name: String,
    pub(crate) value: u64,
    /// What of it is in use now.
    pub(crate) used: u64,
    /// Processes that a node which is started now has room for.
    pub(crate) processes: u64,
    /// What raises it; nothing where it cannot be raised.
    pub(crate) raise: Option<String>,
}

impl Bound {
    pub(crate) fn json(&self) -> Value {
        json!({
            "limit": self.name,
            "value": self.value,
            "used": self.used,
            "processes": self.processes,
            "raise": self.raise,
        })
    }
}

/// All limits that apply to this machine and user.
pub(crate) fn bounds() -> Vec<Bound> {
    let tasks = tasks().unwrap_or(0);
    let threads = number("/proc/sys/kernel/threads-max").unwrap_or(u64::MAX);
    let pids = number("/proc/sys/kernel/pid_max").unwrap_or(PID_MAX_MOST);
    let mut bounds = vec![nofile()];
    bounds.extend(nproc());
    bounds.push(of_tasks("kernel.pid_max", pids, tasks, PID_MAX_MOST));
    // Only memory bounds it; twice as many is a beginning.
    bounds.push(of_tasks("kernel.threads-max", threads, tasks, threads.saturating_mul(2)));
    for group in pids_groups() {
        let path = group.path.display().to_string();
        bounds.push(Bound {
            raise: Some(format!("echo max > {path}/pids.max, or TasksMax=infinity")),
            name: format!("pids.max of {path}"),
            value: group.max,
            used: group.used,
            processes: group.max.saturating_sub(group.used),
        });
    }
    bounds.extend(memory());
    bounds
}

fn nofile() -> Bound {
    // `wabe run` takes what the hard limit gives.
    let value = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(_, hard)| hard);
    let most = number("/proc/sys/fs/nr_open").unwrap_or(value);
    let raise = (value < most).then(|| format!("ulimit -Hn {most} as root, or LimitNOFILE={most}"));
    let used = descriptors::OWN as u64;
    let processes = descriptors::processes(value);
    Bound { name: "RLIMIT_NOFILE".to_owned(), value, used, processes, raise }
}

/// Root is not held to it, and its workers have users of their own.
fn nproc() -> Option<Bound> {
    let (value, _) = getrlimit(Resource::RLIMIT_NPROC).ok()?;
    if value == RLIM_INFINITY || geteuid().is_root() {
        return None;
    }
    let used = own_processes();
    let raise = Some(
        "ulimit -u unlimited (as root where the hard limit is lower), or \
                      LimitNPROC=infinity"
            .to_owned(),
    );
    let processes = value.saturating_sub(used);
    Some(Bound { name: "RLIMIT_NPROC".to_owned(), value, used, processes, raise })
}

/// Processes of this user. (Threads count as well; to count those each of them must be opened.)
fn own_processes() -> u64 {
    let me = geteuid().as_raw();
    let Ok(all) = fs::read_dir("/proc") else { return 0 };
    let is_pid =
        |name: &std::ffi::OsStr| name.to_string_lossy().bytes().all(|b| b.is_ascii_digit());
    let processes = all.flatten().filter(|entry| is_pid(&entry.file_name()));
    processes.filter(|entry| entry.metadata().is_ok_and(|data| data.uid() == me)).count() as u64
}

fn of_tasks(name: &str, value: u64, used: u64, most: u64) -> Bound {
    let raise = (value < most).then(|| format!("sysctl -w {name}={most}"));
    let processes = value.saturating_sub(used).saturating_sub(TASKS_KEPT);
    Bound { name: name.to_owned(), value, used, processes, raise }
}

fn memory() -> Option<Bound> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let (all, free) = (kib(&text, "MemTotal")?, kib(&text, "MemAvailable")?);
    Some(Bound {
        name: "memory".to_owned(),
        value: all << 10,
        used: (all << 10).saturating_sub(free << 10),
        processes: (free << 10) / PROCESS_MEMORY,
        raise: None,
    })
}

fn kib(meminfo: &str, field: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line?.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_tasks_has_room_for_those_that_are_not_there_yet() {
        let wide = of_tasks("kernel.pid_max", 10_000, 1_000, PID_MAX_MOST);
        assert_eq!(wide.processes, 9_000 - TASKS_KEPT);
        assert_eq!(wide.raise.as_deref(), Some("sysctl -w kernel.pid_max=4194304"));
        let narrow = of_tasks("kernel.threads-max", 100, 1_000, 100);
        assert_eq!((narrow.processes, &narrow.raise), (0, &None));
    }

    #[test]
    fn this_machine_has_bounds_and_room() {
        let all = bounds();
        for name in ["RLIMIT_NOFILE", "kernel.pid_max", "kernel.threads-max", "memory"] {
            let bound = all.iter().find(|bound| bound.name == name);
            assert!(bound.is_some_and(|bound| bound.processes > 0), "{name}: {all:#?}");
        }
        assert!(own_processes() > 0);
    }

    #[test]
    fn memory_is_read_in_its_unit() {
        assert_eq!(kib("MemTotal:  24 kB\nMemFree: 7 kB\n", "MemFree"), Some(7));
        assert_eq!(kib("MemTotal:  24 kB\n", "MemFree"), None);
    }
}
