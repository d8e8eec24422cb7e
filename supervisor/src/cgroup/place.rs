//! Where the supervisor's own control group is, and whether it was delegated to it.

use super::CONTROLLERS;
use super::folder::{Folder, read};
use rustix::fs::{Access, AtFlags, CWD, accessat, getxattr};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Leaf of a delegated group in which the supervisor lives, be it made by the supervisor or by its
/// service manager (systemd.resource-control(5), `DelegateSubgroup=`).
pub(super) const SUPERVISOR: &str = "supervisor";

/// What systemd sets to `1` on a group that it delegates; an administrator may do so as well.
const MARKS: [&str; 2] = ["user.delegate", "trusted.delegate"];

/// Why workers get no control groups.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// No unified hierarchy, or one that cannot be seen.
    #[error("this machine has no cgroup v2 mounted")]
    NoCgroup2,
    /// The group lies outside of what is mounted.
    #[error("control group {0} cannot be seen from here (cgroup namespace)")]
    OutOfSight(String),
    /// The files of the group cannot be read.
    #[error("control group {} cannot be read: {why}", path.display())]
    Unreadable {
        /// The group.
        path: PathBuf,
        /// How reading failed.
        why: String,
    },
    /// Those controllers are not given to this group, or belong to cgroup v1.
    #[error("controllers {missing} are not available in control group {}", path.display())]
    NoControllers {
        /// The group.
        path: PathBuf,
        /// `memory, pids`, or one of both.
        missing: String,
    },
    /// The group belongs to somebody else.
    #[error("control group {} is not delegated to this user", path.display())]
    NotDelegated {
        /// The group.
        path: PathBuf,
    },
    /// The group may be written, but neither was it given to wabe nor is wabe alone in it.
    #[error(
        "control group {} is not delegated to wabe: OS process {other} is in it, too",
        path.display()
    )]
    Shared {
        /// The group.
        path: PathBuf,
        /// One of the others.
        other: u32,
    },
}

/// A control group that was delegated to the supervisor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub(super) path: PathBuf,
}

/// What was seen of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    controllers: String,
    writable: bool,
    marked: bool,
    we_are_root: bool,
    /// A process in it that is not the supervisor.
    other: Option<u32>,
}

impl Place {
    /// Finds the delegated group of this process.
    ///
    /// # Errors
    /// Why there is none, for people.
    pub fn find() -> Result<Self, Why> {
        let text = |path| std::fs::read_to_string(path).unwrap_or_default();
        Self::detect(&text("/proc/self/cgroup"), &text("/proc/self/mountinfo"))
    }

    /// The same from what `/proc/self/cgroup` and `/proc/self/mountinfo` say.
    ///
    /// # Errors
    /// As [`Place::find`].
    pub fn detect(cgroup: &str, mountinfo: &str) -> Result<Self, Why> {
        let own = own_path(cgroup, mountinfo)?;
        let judged = look(&own).and_then(|seen| judge(&own, &seen));
        match parent_of_subgroup(&own) {
            // Where the service manager has made the leaf, what is delegated lies above it.
            Some(above) => match look(above).and_then(|seen| judge(above, &seen)) {
                Ok(()) => Ok(Place { path: above.to_owned() }),
                Err(_) => judged.map(|()| Place { path: own }),
            },
            None => judged.map(|()| Place { path: own }),
        }
    }

    /// The folder of the group.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The folder of this process's group in the unified hierarchy.
fn own_path(cgroup: &str, mountinfo: &str) -> Result<PathBuf, Why> {
    let group = cgroup.lines().find_map(|line| line.strip_prefix("0::"));
    let group = group.ok_or(Why::NoCgroup2)?;
    let mut mounts = mountinfo.lines().filter_map(unified_mount).peekable();
    mounts.peek().ok_or(Why::NoCgroup2)?;
    let within = |(root, folder): (PathBuf, PathBuf)| {
        let rest = Path::new(group).strip_prefix(root).ok()?;
        let up = rest.components().any(|part| part.as_os_str() == "..");
        (!up).then(|| folder.components().chain(rest.components()).collect())
    };
    mounts.find_map(within).ok_or_else(|| Why::OutOfSight(group.to_owned()))
}

/// Root within the hierarchy and mount point, where a line of mountinfo (proc_pid_mountinfo(5)) is
/// of a unified hierarchy.
fn unified_mount(line: &str) -> Option<(PathBuf, PathBuf)> {
    let (mount, kind) = line.split_once(" - ")?;
    let mut fields = mount.split(' ').skip(3).map(unescaped);
    kind.starts_with("cgroup2 ").then_some((fields.next()?, fields.next()?))
}

/// A field of mountinfo: space, tab, newline and backslash are written as `\040` and so on.
pub(crate) fn unescaped(field: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..3).filter(|_| first == b'\\');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        let byte = code.and_then(|code| u8::from_str_radix(code, 8).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[3..] } else { after };
    }
    OsString::from_vec(bytes).into()
}

fn parent_of_subgroup(own: &Path) -> Option<&Path> {
    own.parent().filter(|_| own.file_name().is_some_and(|name| name == SUPERVISOR))
}

fn look(path: &Path) -> Result<Seen, Why> {
    let unreadable = |error: rustix::io::Errno| Why::Unreadable {
        path: path.to_owned(),
        why: error.to_string(),
    };
    let folder = Folder::open(path).map_err(unreadable)?;
    let me = std::process::id();
    let inside = read(&folder, "cgroup.procs").map_err(unreadable)?;
    Ok(Seen {
        controllers: read(&folder, "cgroup.controllers").map_err(unreadable)?,
        writable: ["", "cgroup.procs", "cgroup.subtree_control"]
            .into_iter()
            .all(|file| accessat(CWD, path.join(file), Access::WRITE_OK, AtFlags::EACCESS).is_ok()),
        marked: MARKS.into_iter().any(|mark| is_marked(path, mark)),
        we_are_root: rustix::process::geteuid().is_root(),
        other: others(&inside, me).next(),
    })
}

/// Processes in `cgroup.procs` that are not this one; 0 is one that cannot be seen from here.
pub(super) fn others(procs: &str, me: u32) -> impl Iterator<Item = u32> {
    procs.lines().filter_map(|line| line.parse().ok()).filter(move |pid| *pid != me)
}

fn is_marked(path: &Path, mark: &str) -> bool {
    let mut value = [0; 2];
    getxattr(path, mark, &mut value).is_ok_and(|length| value[..length] == *b"1")
}

/// What is seen tells whether the group may be used. Root may write everywhere, so for root it must
/// be marked; an ordinary user may write only what somebody has given to that user.
fn judge(path: &Path, seen: &Seen) -> Result<(), Why> {
    let path = path.to_owned();
    let there = |wanted: &&str| seen.controllers.split_whitespace().any(|name| name == *wanted);
    let missing: Vec<_> = CONTROLLERS.into_iter().filter(|wanted| !there(wanted)).collect();
    if !missing.is_empty() {
        return Err(Why::NoControllers { path, missing: missing.join(", ") });
    }
    match (seen.writable, seen.marked, seen.we_are_root, seen.other) {
        (true, true, _, _) | (true, false, false, None) => Ok(()),
        (true, false, false, Some(other)) => Err(Why::Shared { path, other }),
        (false, ..) | (true, false, true, _) => Err(Why::NotDelegated { path }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIFIED: &str = "22 1 0:20 / /proc rw - proc proc rw\n\
        30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
    const V1: &str = "30 22 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";

    fn place(cgroup: &str, mountinfo: &str) -> Result<String, Why> {
        own_path(cgroup, mountinfo).map(|path| path.display().to_string())
    }

    #[test]
    fn the_own_group_is_found_below_the_mount() {
        let unit = "0::/system.slice/wabe.service\n";
        let folder = "/sys/fs/cgroup/system.slice/wabe.service";
        assert_eq!(place(unit, UNIFIED).as_deref(), Ok(folder));
        assert_eq!(place("0::/\n", UNIFIED).as_deref(), Ok("/sys/fs/cgroup"));
        let hybrid = "4:memory:/a\n0::/b\n";
        let mounts = format!("{V1}31 22 0:27 / /sys/fs/cgroup/unified rw - cgroup2 none rw\n");
        assert_eq!(place(hybrid, &mounts).as_deref(), Ok("/sys/fs/cgroup/unified/b"));
    }

    #[test]
    fn a_part_of_the_hierarchy_may_be_mounted_and_under_any_name() {
        let mounts = "30 22 0:26 /pod/a\\040b /mnt/c\\040d rw - cgroup2 none rw\n";
        assert_eq!(place("0::/pod/a b/x\n", mounts).as_deref(), Ok("/mnt/c d/x"));
        let out = |group: &str| Err(Why::OutOfSight(group.to_owned()));
        assert_eq!(place("0::/elsewhere\n", mounts), out("/elsewhere"));
        assert_eq!(place("0::/../x\n", UNIFIED), out("/../x"));
    }

    #[test]
    fn without_a_unified_hierarchy_there_is_none() {
        assert_eq!(place("4:memory:/a\n", V1), Err(Why::NoCgroup2));
        assert_eq!(place("0::/a\n", V1), Err(Why::NoCgroup2));
        assert_eq!(place("", ""), Err(Why::NoCgroup2));
    }

    #[test]
    fn only_what_was_given_is_taken() {
        let path = Path::new("/g");
        let given = Seen {
            controllers: "cpu memory pids\n".into(),
            writable: true,
            marked: true,
            we_are_root: true,
            other: None,
        };
        assert_eq!(judge(path, &given), Ok(()));
        let unmarked = Seen { marked: false, ..given.clone() };
        assert_eq!(judge(path, &unmarked), Err(Why::NotDelegated { path: path.into() }));
        let user = Seen { we_are_root: false, ..unmarked };
        assert_eq!(judge(path, &user), Ok(()));
        let terminal = Seen { other: Some(7), ..user.clone() };
        assert_eq!(judge(path, &terminal), Err(Why::Shared { path: path.into(), other: 7 }));
        let foreign = Seen { writable: false, ..user };
        assert_eq!(judge(path, &foreign), Err(Why::NotDelegated { path: path.into() }));
        let without = Seen { controllers: "memory_recursiveprot pids\n".into(), ..given };
        let why = judge(path, &without).expect_err("a controller is missing").to_string();
        assert_eq!(why, "controllers memory are not available in control group /g");
    }

    #[test]
    fn the_service_managers_leaf_is_known_by_its_name() {
        let above = Some(Path::new("/c/unit"));
        assert_eq!(parent_of_subgroup(Path::new("/c/unit/supervisor")), above);
        assert_eq!(parent_of_subgroup(Path::new("/c/unit")), None);
    }

    #[test]
    fn others_are_all_but_this_process() {
        assert_eq!(others("12\n0\n13\n", 12).collect::<Vec<_>>(), [0, 13]);
    }
}
