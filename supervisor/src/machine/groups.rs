//! The control groups whose `pids.max` this process is under: its own and those above it, of the
//! unified hierarchy or of version 1 (cgroups(7)).

use crate::cgroup::unescaped;
use std::fs;
use std::path::{Path, PathBuf};

/// A group with a limit of its tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) path: PathBuf,
    pub(crate) used: u64,
    pub(crate) max: u64,
}

/// Those that have a limit, the nearest first.
pub(crate) fn pids_groups() -> Vec<Group> {
    let text = |path| fs::read_to_string(path).unwrap_or_default();
    let folders = folders(&text("/proc/self/cgroup"), &text("/proc/self/mountinfo"));
    folders.into_iter().filter_map(limited).collect()
}

fn limited(path: PathBuf) -> Option<Group> {
    let number = |name: &str| -> Option<u64> {
        fs::read_to_string(path.join(name)).ok()?.trim().parse().ok()
    };
    let (used, max) = (number("pids.current")?, number("pids.max")?);
    Some(Group { path, used, max })
}

/// The folders of the own group and of those above it, as far up as they can be seen.
fn folders(cgroup: &str, mountinfo: &str) -> Vec<PathBuf> {
    let mounts = || mountinfo.lines().filter_map(mount);
    let mut found = Vec::new();
    for line in cgroup.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (fields.next(), fields.next()) else { continue };
        let is_here = |mount: &Mount| match controllers {
            "" => mount.unified,
            _ => mount.pids && controllers.split(',').any(|name| name == "pids"),
        };
        for mount in mounts().filter(is_here) {
            let Ok(rest) = Path::new(group).strip_prefix(&mount.root) else { continue };
            let own: PathBuf = mount.folder.components().chain(rest.components()).collect();
            let above = own.ancestors().take_while(|path| path.starts_with(&mount.folder));
            found.extend(above.map(Path::to_owned));
        }
    }
    found
}

struct Mount {
    root: PathBuf,
    folder: PathBuf,
    unified: bool,
    pids: bool,
}

/// A line of mountinfo (proc_pid_mountinfo(5)) that is of control groups.
fn mount(line: &str) -> Option<Mount> {
    let (mount, kind) = line.split_once(" - ")?;
    let mut fields = mount.split(' ').skip(3).map(unescaped);
    let (root, folder) = (fields.next()?, fields.next()?);
    let unified = kind.starts_with("cgroup2 ");
    let options = kind.rsplit(' ').next()?;
    let pids = kind.starts_with("cgroup ") && options.split(',').any(|option| option == "pids");
    (unified || pids).then_some(Mount { root, folder, unified, pids })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "22 1 0:20 / /proc rw - proc proc rw\n\
        30 22 0:26 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw\n\
        31 22 0:27 /pod /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n\
        32 22 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";

    fn paths(cgroup: &str) -> Vec<String> {
        let folders = folders(cgroup, MOUNTS);
        folders.iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn the_own_group_and_all_above_it_are_looked_at_in_both_versions() {
        let unified = "/sys/fs/cgroup/unified";
        let all = [format!("{unified}/a/b"), format!("{unified}/a"), unified.to_owned()];
        assert_eq!(paths("0::/a/b\n"), all);
        let pids = "/sys/fs/cgroup/pids";
        assert_eq!(paths("8:pids:/pod/x\n"), [format!("{pids}/x"), pids.to_owned()]);
        assert_eq!(paths("8:cpu,pids:/pod\n4:memory:/m\n"), [pids]);
    }

    #[test]
    fn what_is_out_of_sight_is_none() {
        assert_eq!(paths("8:pids:/elsewhere\n4:memory:/m\nnonsense\n"), [""; 0]);
        assert!(folders("", "").is_empty());
    }
}
