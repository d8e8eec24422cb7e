//! The cases. Each is a process of its own, in the root group at first, and may not return.

use crate::world::{
    CGROUPS, USER, ZYGOTE, become_user, eat, end_of, enter, file, forked, give, groups, heard,
    mark, own_group, stay, unit, worker,
};
use ipc::Limits;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::WaitStatus;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Instant;
use supervisor::cgroup::{Cgroups, OutOfMemory, Place, SetupError, Why, memory_max};

pub(crate) const ALL: [(&str, fn()); 10] = [
    ("as-root", as_root),
    ("as-user", as_user),
    ("as-user-in-leaf", as_user_in_leaf),
    ("zygote-owns-nothing", zygote_owns_nothing),
    ("not-delegated", not_delegated),
    ("others-in-it", others_in_it),
    ("one-supervisor", one_supervisor),
    ("killed-supervisor", killed_supervisor),
    ("limits-change", limits_change),
    ("many", many),
];

/// Least that a host may have, without room for messages.
const SMALL: Limits = Limits { memory: 4 << 20, mailbox: 0, message: 0, ..Limits::DEFAULT };

fn open() -> Cgroups {
    Place::find().expect("it is delegated").open().expect("it can be used")
}

fn as_root() {
    let unit = unit();
    mark(&unit);
    enter(&unit);
    let mut cgroups = open();
    cgroups.own(ZYGOTE).expect("root may");
    assert_eq!(own_group(), "/unit/supervisor");
    workers_have_limits(&mut cgroups, Some(ZYGOTE));
    cgroups.close().expect("all is removed");
    assert_eq!((own_group().as_str(), groups(&unit)), ("/unit", vec![]));
    open().close().expect("and all can be made again");
}

fn as_user() {
    let unit = unit();
    give(&unit, USER);
    enter(&unit);
    become_user(USER);
    let mut cgroups = open();
    workers_have_limits(&mut cgroups, None);
    cgroups.close().expect("all is removed");
    assert_eq!((own_group().as_str(), groups(&unit)), ("/unit", vec![]));
}

/// As with `DelegateSubgroup=supervisor` or after a supervisor that was killed.
fn as_user_in_leaf() {
    let unit = unit();
    let leaf = unit.join("supervisor");
    std::fs::create_dir(&leaf).expect("a group");
    give(&unit, USER);
    give(&leaf, USER);
    enter(&leaf);
    become_user(USER);
    let mut cgroups = open();
    assert_eq!(cgroups.path(), unit);
    workers_have_limits(&mut cgroups, None);
    cgroups.close().expect("all is removed");
    assert_eq!(
        (own_group().as_str(), groups(&unit)),
        ("/unit/supervisor", vec!["supervisor".into()])
    );
}

fn workers_have_limits(cgroups: &mut Cgroups, zygote: Option<u32>) {
    let (group, name) = cgroups.take(&SMALL).expect("a group");
    let folder = cgroups.path().join("actors").join(group.name());
    let max = memory_max(&SMALL).expect("a limit").to_string();
    assert_eq!(file(&folder, "memory.max"), max);
    assert_eq!(file(&folder, "pids.max"), "1");
    assert_eq!(file(&folder, "memory.oom.group"), "1");
    assert_eq!(file(&folder, "memory.swap.max"), "0");
    let hungry = worker(cgroups, &name, zygote, eat).expect("a worker");
    assert_eq!(end_of(hungry), WaitStatus::Signaled(hungry, Signal::SIGKILL, false));
    assert_eq!(cgroups.out_of_memory(&group), Some(OutOfMemory::Own));
    println!("{}", file(&folder, "memory.events").replace('\n', ", "));
    let first = group.name();
    cgroups.give_back(group);

    let (group, name) = cgroups.take(&SMALL).expect("a group");
    assert_eq!(group.name(), first);
    assert_eq!(cgroups.out_of_memory(&group), None);
    let quiet = worker(cgroups, &name, zygote, stay).expect("a worker");
    let where_it_is = std::fs::read_to_string(format!("/proc/{quiet}/cgroup")).expect("it lives");
    assert_eq!(where_it_is, format!("0::/unit/actors/{first}\n"));
    // EAGAIN: one task is what there may be.
    assert_eq!(worker(cgroups, &name, zygote, stay), Err(libc::EAGAIN));
    kill(quiet, Signal::SIGKILL).expect("it lives");
    assert_eq!(end_of(quiet), WaitStatus::Signaled(quiet, Signal::SIGKILL, false));
    assert_eq!(cgroups.out_of_memory(&group), None);
    cgroups.give_back(group);
}

fn zygote_owns_nothing() {
    let unit = unit();
    mark(&unit);
    enter(&unit);
    let mut cgroups = open();
    let (_, name) = cgroups.take(&SMALL).expect("a group");
    assert_eq!(worker(&cgroups, &name, Some(ZYGOTE), stay), Err(libc::EACCES));
    cgroups.own(ZYGOTE).expect("root may");
    let (_, name) = cgroups.take(&SMALL).expect("a group");
    let quiet = worker(&cgroups, &name, Some(ZYGOTE), stay).expect("a worker");
    kill(quiet, Signal::SIGKILL).expect("it lives");
    end_of(quiet);
    cgroups.close().expect("all is removed");
}

fn not_delegated() {
    let why = Place::find();
    assert!(matches!(why, Err(Why::NotDelegated { .. } | Why::Unreadable { .. })), "{why:?}");
    let unit = unit();
    enter(&unit);
    assert_eq!(Place::find(), Err(Why::NotDelegated { path: unit.clone() }));
    become_user(USER);
    let why = Place::find().expect_err("it is root's");
    assert_eq!(why.to_string(), "control group /sys/fs/cgroup/unit is not delegated to this user");
    assert_eq!(groups(&unit), Vec::<String>::new());
}

fn others_in_it() {
    let unit = unit();
    give(&unit, USER);
    enter(&unit);
    let other = forked(stay);
    let pid = other.as_raw().unsigned_abs();
    become_user(USER);
    assert_eq!(Place::find(), Err(Why::Shared { path: unit.clone(), other: pid }));
    rustix::fs::setxattr(&unit, "user.delegate", b"1", rustix::fs::XattrFlags::empty())
        .expect("its owner may mark it");
    let error = Place::find().expect("it is marked").open().expect_err("somebody is in the way");
    assert!(matches!(error, SetupError::Shared { other, .. } if other == pid), "{error}");
    println!("{error}");
    assert_eq!(groups(&unit), Vec::<String>::new());
}

fn one_supervisor() {
    let unit = unit();
    mark(&unit);
    enter(&unit);
    let first = open();
    let second = forked(|| {
        let error = Place::find().expect("it is delegated").open().expect_err("it is in use");
        assert!(matches!(error, SetupError::InUse(_)), "{error}");
        println!("{error}");
    });
    assert_eq!(end_of(second), WaitStatus::Exited(second, 0));
    first.close().expect("all is removed");
}

fn killed_supervisor() {
    let unit = unit();
    mark(&unit);
    enter(&unit);
    let (told, tell) = std::io::pipe().expect("a pipe");
    let first = forked(|| {
        let mut cgroups = open();
        cgroups.own(ZYGOTE).expect("root may");
        let all: Vec<_> = (0..8).map(|_| cgroups.take(&SMALL).expect("a group")).collect();
        for (_, name) in &all {
            worker(&cgroups, name, Some(ZYGOTE), stay).expect("a worker");
        }
        rustix::io::write(&tell, b"!").expect("somebody listens");
        stay();
    });
    // The first one must be alone in the group to begin with.
    enter(Path::new(CGROUPS));
    heard(told.as_fd());
    kill(first, Signal::SIGKILL).expect("it lives");
    end_of(first);
    assert_eq!(groups(&unit.join("actors")).len(), 9);
    // Its workers live on here, having nothing that ends them.
    enter(&unit.join("supervisor"));
    let begun = Instant::now();
    let cgroups = open();
    println!("eight orphans and their groups were gone after {:?}", begun.elapsed());
    assert_eq!(groups(&unit.join("actors")), ["zygotes"]);
    cgroups.close().expect("all is removed");
    assert_eq!(groups(&unit), ["supervisor"]);
}

fn limits_change() {
    let unit = unit();
    mark(&unit);
    enter(&unit);
    let mut cgroups = open();
    let max_of = |name: &str| file(&unit.join("actors").join(name), "memory.max");
    let (mut group, name) = cgroups.take(&Limits::DEFAULT).expect("a group");
    let number = group.name();
    let quiet = worker(&cgroups, &name, None, stay).expect("a worker");
    cgroups.limit(&mut group, &SMALL).expect("limits of the living change");
    assert_eq!(Some(max_of(&number)), memory_max(&SMALL).map(|max| max.to_string()));
    kill(quiet, Signal::SIGKILL).expect("it lives");
    end_of(quiet);
    cgroups.give_back(group);
    let (group, _) = cgroups.take(&Limits::NONE).expect("the same group");
    assert_eq!((group.name(), max_of(&number)), (number, "max".to_owned()));
    cgroups.close().expect("all is removed");
}

fn many() {
    let unit = unit();
    mark(&unit);
    enter(&unit);
    let mut cgroups = open();
    let begun = Instant::now();
    let all: Vec<_> = (0..200).map(|_| cgroups.take(&SMALL).expect("a group").0).collect();
    println!("{:?} for a new group", begun.elapsed() / 200);
    assert_eq!(groups(&unit.join("actors")).len(), 201);
    all.into_iter().for_each(|group| cgroups.give_back(group));
    // The others are not kept.
    assert_eq!(groups(&unit.join("actors")).len(), 65);
    let begun = Instant::now();
    for _ in 0..200 {
        let (group, _) = cgroups.take(&SMALL).expect("a group");
        cgroups.give_back(group);
    }
    println!("{:?} for one that was there", begun.elapsed() / 200);
    cgroups.close().expect("all is removed");
    assert_eq!(groups(&unit), Vec::<String>::new());
}
