//! The rules of services: properties of random histories, every short history, and the cases that
//! documents speak of. [`World`] judges every step.

mod scenarios;
mod world;

use node::services::{Backoff, GroupSpec, Key, Plan, Ready, ServiceSpec, Strategy};
use proptest::prelude::*;
use world::{Step, World};

const SECOND: u64 = 1_000_000_000;

/// A service that starts by itself, is up when loaded, and is started again for ever.
fn service(requires: &[Key]) -> ServiceSpec {
    ServiceSpec {
        auto_start: true,
        requires: requires.to_vec(),
        ready: Ready::Loaded,
        start_timeout_ns: 10 * SECOND,
        stop_timeout_ns: 5 * SECOND,
        stable_ns: 10 * SECOND,
        backoff: Backoff { max_attempts: None, ..Backoff::DEFAULT },
    }
}

fn plan(services: Vec<ServiceSpec>, groups: Vec<GroupSpec>) -> Plan {
    Plan { services: (0..).zip(services).collect(), groups }
}

fn group(members: &[Key], strategy: Strategy, intensity: u32) -> GroupSpec {
    GroupSpec {
        name: "app:group".into(),
        members: members.to_vec(),
        strategy,
        intensity,
        period_ns: 5 * SECOND,
    }
}

fn any_backoff() -> impl Strategy_<Value = Backoff> {
    let attempts = prop_oneof![Just(None), (0..4u32).prop_map(Some)];
    (1..5 * SECOND, 1..60 * SECOND, 1.0..10.0f64, 0.0..=1.0f64, attempts).prop_map(
        |(initial_ns, max_ns, factor, jitter, max_attempts)| {
            let max_ns = max_ns.max(initial_ns);
            Backoff { initial_ns, max_ns, factor, jitter, max_attempts }
        },
    )
}

use proptest::strategy::Strategy as Strategy_;

fn any_service(number: u32) -> impl Strategy_<Value = ServiceSpec> {
    let requires = proptest::collection::btree_set(0..number.max(1), 0..=2);
    let times = (1..20 * SECOND, 1..20 * SECOND, 0..20 * SECOND);
    (proptest::bool::weighted(0.7), requires, any::<bool>(), times, any_backoff()).prop_map(
        move |(auto_start, requires, loaded, times, backoff)| ServiceSpec {
            auto_start,
            requires: requires.into_iter().filter(|other| *other < number).collect(),
            ready: if loaded { Ready::Loaded } else { Ready::Said },
            start_timeout_ns: times.0,
            stop_timeout_ns: times.1,
            stable_ns: times.2,
            backoff,
        },
    )
}

fn any_plan() -> impl Strategy_<Value = Plan> {
    let services = (0..6u32).map(any_service).collect::<Vec<_>>();
    let strategy = prop_oneof![
        Just(Strategy::OneForOne),
        Just(Strategy::OneForAll),
        Just(Strategy::RestForOne)
    ];
    let group = (Just(()), 0..5u32, strategy, 0..6usize, 1..20 * SECOND);
    (services, group).prop_map(|(services, (_, intensity, strategy, size, period_ns))| {
        let mut group = group_of(size, strategy, intensity);
        group.period_ns = period_ns;
        plan(services, vec![group])
    })
}

/// The last services, the youngest first, so that the order of the group is none of requirements.
fn group_of(size: usize, strategy: Strategy, intensity: u32) -> GroupSpec {
    let members: Vec<_> = (0..6).rev().take(size).collect();
    group(&members, strategy, intensity)
}

fn any_step() -> impl Strategy_<Value = Step> {
    let key = 0..6u32;
    prop_oneof![
        4 => key.clone().prop_map(Step::Loaded),
        4 => key.clone().prop_map(Step::Ready),
        3 => key.clone().prop_map(Step::Fail),
        1 => key.clone().prop_map(Step::Finish),
        4 => Just(Step::Due),
        2 => (0..30 * SECOND).prop_map(Step::Pass),
        1 => key.prop_map(Step::Change),
    ]
}

proptest! {
    #[test]
    fn the_laws_hold_in_every_history(
        plan in any_plan(),
        randoms in any::<u64>(),
        steps in proptest::collection::vec(any_step(), 0..80),
    ) {
        let mut world = World::new(plan, randoms);
        for step in steps {
            world.take(step);
        }
        world.ends_in_order();
    }

    #[test]
    fn delays_grow_to_their_bound_and_jitter_only_shortens_them(
        backoff in any_backoff(),
        random in any::<u64>(),
    ) {
        let longest: Vec<_> = (1..60).map(|attempt| backoff.longest(attempt)).collect();
        prop_assert_eq!(longest[0], backoff.initial_ns);
        prop_assert!(longest.is_sorted() && longest.iter().all(|delay| *delay <= backoff.max_ns));
        for (attempt, longest) in (1..).zip(&longest) {
            let delay = backoff.delay(attempt, random);
            let shortest = *longest as f64 * (1.0 - backoff.jitter);
            prop_assert!(delay <= *longest && delay as f64 >= shortest - 1.0);
        }
        for pair in longest.windows(2).filter(|pair| pair[1] < backoff.max_ns) {
            let grown = pair[0] as f64 * backoff.factor;
            prop_assert!((pair[1] as f64 - grown).abs() <= backoff.factor + 1.0);
        }
    }
}

#[test]
fn jitter_reaches_from_nothing_to_its_share() {
    let backoff = Backoff { jitter: 0.5, ..Backoff::DEFAULT };
    assert_eq!(backoff.delay(1, 0), SECOND);
    assert_eq!(backoff.delay(1, u64::MAX), SECOND / 2);
    assert_eq!(Backoff { jitter: 1.0, ..backoff }.delay(3, u64::MAX), 0);
}

/// Every history of so many steps of a chain of three, of which two are a group.
#[test]
fn the_laws_hold_in_every_short_history() {
    let alphabet = [
        Step::Loaded(0),
        Step::Loaded(1),
        Step::Loaded(2),
        Step::Fail(0),
        Step::Fail(1),
        Step::Finish(0),
        Step::Due,
        Step::Change(1),
    ];
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        let mut chain = vec![service(&[]), service(&[0]), service(&[1])];
        chain[0].backoff.max_attempts = Some(1);
        let plan = plan(chain, vec![group(&[1, 2], strategy, 1)]);
        for history in 0..alphabet.len().pow(6) {
            let mut world = World::new(plan.clone(), 7);
            let mut rest = history;
            for _ in 0..6 {
                world.take(alphabet[rest % alphabet.len()]);
                rest /= alphabet.len();
            }
            world.ends_in_order();
        }
    }
}
