//! The folders of a delegated group, and the groups of workers in it.

use super::charge::{Events, OutOfMemory, memory_max};
use super::folder::{Folder, read, remove, write, write_if_there};
use super::place::{SUPERVISOR, others};
use super::{CONTROLLERS, Place, SetupError, failed};
use ipc::Limits;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, Uid, chmodat, chownat, flock, openat};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Folder of the workers' groups.
const ACTORS: &str = "actors";

/// Group of zygotes, among those of workers: whoever moves a process needs the right to write in
/// the group above both ends (cgroups(7), delegation containment), and so nothing outside of
/// [`ACTORS`] must ever be given to a zygote.
const ZYGOTES: &str = "zygotes";

/// Groups that are kept for later workers. Each costs some ten KiB of the kernel's memory; making
/// one anew costs a worker's start some ten microseconds.
const KEPT_MAX: usize = 64;

/// Tasks of one worker: it has one thread, and makes no other.
const TASKS_MAX: &str = "1";

/// Time that killed processes have to be gone before their groups are left behind.
const EMPTY_MAX: Duration = Duration::from_secs(2);

/// The control groups of a supervisor's workers.
#[derive(Debug)]
pub struct Cgroups {
    path: PathBuf,
    /// Locked for as long as it is open: a second supervisor would remove what the first one made.
    root: Folder,
    actors: Folder,
    /// The user of zygotes, where it is another than the supervisor's.
    owner: Option<u32>,
    kept: Vec<Group>,
    last: u32,
    /// The supervisor was found in the delegated group itself, and is to go back there.
    moved: bool,
}

/// The group of one worker.
#[derive(Debug)]
pub struct Group {
    number: u32,
    memory_max: Option<u64>,
    before: Events,
}

impl Group {
    /// The name of its folder in `actors`.
    #[must_use]
    pub fn name(&self) -> String {
        self.number.to_string()
    }

    fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.number)
    }
}

impl Place {
    /// Moves the supervisor into a group of its own below, removes what a dead one left, and enables
    /// the controllers for workers.
    ///
    /// # Errors
    /// Where another supervisor or other processes are in the way, or the kernel refuses.
    pub fn open(self) -> Result<Cgroups, SetupError> {
        let path = self.path;
        let root = Folder::open(&path).map_err(failed("open", &path))?;
        match flock(&root, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => return Err(SetupError::InUse(path)),
            locked => locked.map_err(failed("lock", &path))?,
        }
        let moved = leave(&root, &path)?;
        let opened = enable_for_actors(&root, &path).and_then(|()| open_actors(&root, &path));
        match opened {
            Ok(actors) => {
                Ok(Cgroups { path, root, actors, owner: None, kept: Vec::new(), last: 0, moved })
            }
            Err(error) => {
                // What is reported is the first error: a second one would say less.
                let _ = if moved { come_back(&root) } else { Ok(()) };
                Err(error)
            }
        }
    }
}

/// Moves this process out of the delegated group; false where it was not in it.
fn leave(root: &Folder, path: &Path) -> Result<bool, SetupError> {
    let me = std::process::id();
    let procs = read(root, "cgroup.procs").map_err(failed("read", &path.join("cgroup.procs")))?;
    if let Some(other) = others(&procs, me).next() {
        return Err(SetupError::Shared { path: path.to_owned(), other });
    }
    let inside = procs.lines().any(|line| line.parse() == Ok(me));
    if inside {
        let place = path.join(SUPERVISOR);
        let leaf = root.make(SUPERVISOR).map_err(failed("make", &place))?;
        write(&leaf, "cgroup.procs", "0").map_err(failed("move this process to", &place))?;
    }
    Ok(inside)
}

/// Undoes [`leave`] and [`enable_for_actors`].
fn come_back(root: &Folder) -> Result<(), Errno> {
    write(root, "cgroup.subtree_control", &controllers('-'))?;
    write(root, "cgroup.procs", "0")?;
    remove(root, SUPERVISOR)
}

fn enable_for_actors(folder: &Folder, path: &Path) -> Result<(), SetupError> {
    let file = path.join("cgroup.subtree_control");
    let enabled = write(folder, "cgroup.subtree_control", &controllers('+'));
    enabled.map_err(failed("enable the controllers memory and pids in", &file))
}

/// `+memory +pids`
fn controllers(sign: char) -> String {
    CONTROLLERS.map(|name| format!("{sign}{name}")).join(" ")
}

/// Makes the folder of the workers' groups, without any of a former supervisor's.
fn open_actors(root: &Folder, path: &Path) -> Result<Folder, SetupError> {
    let path = path.join(ACTORS);
    let actors = root.make(ACTORS).map_err(failed("make", &path))?;
    clear(&actors).map_err(failed("remove the groups in", &path))?;
    enable_for_actors(&actors, &path)?;
    actors.make(ZYGOTES).map_err(failed("make", &path.join(ZYGOTES)))?;
    Ok(actors)
}

/// Kills whoever is left in a folder of groups, and removes these. Nobody there has a supervisor:
/// it is dead, or this one, which is ending.
fn clear(actors: &Folder) -> Result<(), Errno> {
    let groups = actors.groups()?;
    if groups.is_empty() {
        return Ok(());
    }
    // Linux 5.14; before it the kernel's other means have killed them as well.
    write_if_there(actors, "cgroup.kill", "1")?;
    wait_until_empty(actors, Instant::now() + EMPTY_MAX)?;
    groups.iter().try_for_each(|group| remove(actors, group))
}

/// Waits until no process lives in a group or below it.
fn wait_until_empty(folder: &Folder, end: Instant) -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let events = openat(folder, "cgroup.events", flags, Mode::empty())?;
    loop {
        let mut text = [0; 256];
        let length = rustix::io::pread(&events, &mut text, 0)?;
        if text[..length].starts_with(b"populated 0") {
            return Ok(());
        }
        let left = end.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
        // It is readable for priority data after each change (cgroups(7)).
        match poll(&mut [PollFd::new(&events, PollFlags::PRI)], Some(&left)) {
            Ok(0) => return Err(Errno::TIMEDOUT),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}

impl Cgroups {
    /// Gives a zygote of that user what it needs to fork workers into groups: the right to add
    /// processes, to a worker's group and in the folder of all of them, and no other.
    ///
    /// # Errors
    /// As chown(2).
    pub fn own(&mut self, uid: u32) -> io::Result<()> {
        self.owner = Some(uid);
        give_procs(&self.actors, "cgroup.procs", uid)?;
        for group in &self.kept {
            give_procs(&self.actors, &group.file("cgroup.procs"), uid)?;
        }
        Ok(())
    }

    /// Moves a program that is to be a zygote, before it forks, to where zygotes are.
    ///
    /// # Errors
    /// Where it is gone, or the kernel refuses.
    pub fn adopt(&self, os_pid: u32) -> io::Result<()> {
        let file = format!("{ZYGOTES}/cgroup.procs");
        Ok(write(&self.actors, &file, &os_pid.to_string())?)
    }

    /// An empty group with those limits, and the descriptor by which a worker is forked into it.
    ///
    /// # Errors
    /// Where none can be made.
    pub fn take(&mut self, limits: &Limits) -> io::Result<(Group, OwnedFd)> {
        let mut group = match self.kept.pop() {
            Some(group) => group,
            None => self.make()?,
        };
        match self.prepare(&mut group, limits) {
            Ok(name) => Ok((group, name)),
            Err(error) => {
                self.give_back(group);
                Err(error.into())
            }
        }
    }

    fn prepare(&self, group: &mut Group, limits: &Limits) -> Result<OwnedFd, Errno> {
        self.set_memory_max(group, memory_max(limits))?;
        group.before = self.events(group)?;
        self.actors.name_of(&group.name())
    }

    /// Changes the limits of a worker that lives.
    ///
    /// # Errors
    /// As write(2).
    pub fn limit(&self, group: &mut Group, limits: &Limits) -> io::Result<()> {
        Ok(self.set_memory_max(group, memory_max(limits))?)
    }

    fn set_memory_max(&self, group: &mut Group, max: Option<u64>) -> Result<(), Errno> {
        if group.memory_max != max {
            let text = max.map_or_else(|| "max".to_owned(), |max| max.to_string());
            write(&self.actors, &group.file("memory.max"), &text)?;
            group.memory_max = max;
        }
        Ok(())
    }

    /// Tells whether the kernel killed the worker for memory. To be asked once it has exited, and
    /// before its group is given back.
    #[must_use]
    pub fn out_of_memory(&self, group: &Group) -> Option<OutOfMemory> {
        self.events(group).ok()?.since(group.before)
    }

    fn events(&self, group: &Group) -> Result<Events, Errno> {
        read(&self.actors, &group.file("memory.events")).map(|text| Events::parse(&text))
    }

    /// Takes a group back whose worker is reaped, or was never forked.
    pub fn give_back(&mut self, group: Group) {
        if self.kept.len() < KEPT_MAX || remove(&self.actors, &group.name()).is_err() {
            self.kept.push(group);
        }
    }

    fn make(&mut self) -> Result<Group, Errno> {
        self.last += 1;
        let group = Group { number: self.last, memory_max: None, before: Events::default() };
        let folder = self.actors.make(&group.name())?;
        self.furnish(&folder).inspect_err(|_| {
            let _ = remove(&self.actors, &group.name());
        })?;
        Ok(group)
    }

    fn furnish(&self, folder: &Folder) -> Result<(), Errno> {
        // Not every kernel has swap, and what is in it would not count as memory.
        write_if_there(folder, "memory.swap.max", "0")?;
        write_if_there(folder, "memory.oom.group", "1")?;
        write(folder, "pids.max", TASKS_MAX)?;
        self.owner.map_or(Ok(()), |uid| give_procs(folder, "cgroup.procs", uid))
    }

    /// The folder of the delegated group.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ends whoever is left in the workers' groups, and leaves the delegated group as it was found.
    ///
    /// # Errors
    /// Where something cannot be removed; the next supervisor will try again.
    pub fn close(self) -> io::Result<()> {
        clear(&self.actors)?;
        remove(&self.root, ACTORS)?;
        if self.moved {
            come_back(&self.root)?;
        }
        Ok(())
    }
}

/// Gives the file that adds processes to a group to a user. The supervisor's own group keeps the
/// right as well: where there are no user namespaces a zygote stays root, yet without the
/// capability to write what is another's.
fn give_procs(folder: impl AsFd, file: &str, uid: u32) -> Result<(), Errno> {
    chownat(&folder, file, Some(Uid::from_raw(uid)), None, AtFlags::empty())?;
    chmodat(&folder, file, Mode::from_raw_mode(0o664), AtFlags::empty())
}
