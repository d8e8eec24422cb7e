//! What must hold between the services of an app: requirements exist and do not go round in a circle,
//! and nobody is in two groups.

use super::check::refers;
use super::{App, Kind, Service};
use crate::diagnostic::Diagnostic;
use ipc::limits::SERVICES_MAX;
use std::collections::{BTreeMap, BTreeSet};

const IS_SERVICE: fn(&Kind) -> bool = |kind| matches!(kind, Kind::Service(_));

/// Checks all services and groups.
pub(super) fn check(app: &App) -> Result<(), Diagnostic> {
    let mut all = app.entries.values().filter(|entry| IS_SERVICE(&entry.kind));
    if let Some(entry) = all.nth(SERVICES_MAX) {
        let message = format!("an app has at most {SERVICES_MAX} services");
        let help = "let services spawn what there is so much of";
        return Err(entry.place.error(message, help));
    }
    let (mut done, mut group_of) = (BTreeSet::new(), BTreeMap::new());
    for (id, entry) in &app.entries {
        match &entry.kind {
            Kind::Service(service) => {
                for (required, place) in &service.requires {
                    refers(app, required, place, "process.service", IS_SERVICE)?;
                }
            }
            Kind::Group(group) => {
                for (service, place) in &group.services {
                    refers(app, service, place, "process.service", IS_SERVICE)?;
                    if let Some(other) = group_of.insert(service, id) {
                        let message = format!("service '{service}' is in group '{other}' already");
                        return Err(place.error(message, "a service is in one group, and once"));
                    }
                }
            }
            Kind::Code(..) | Kind::Host(_) => {}
        }
    }
    app.services()
        .try_for_each(|(id, service)| no_circle(app, (id, service), &mut Vec::new(), &mut done))
}

/// `done` holds what was found free of circles before: each service is walked once.
fn no_circle<'a>(
    app: &'a App,
    (id, service): (&'a str, &'a Service),
    path: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
) -> Result<(), Diagnostic> {
    if done.contains(id) {
        return Ok(());
    }
    path.push(id);
    for (required, place) in &service.requires {
        if let Some(first) = path.iter().position(|other| *other == required) {
            let round = path[first..].join(" -> ");
            let message = format!("requirements go round in a circle: {round} -> {required}");
            return Err(place.error(message, "remove one: none of these could ever start"));
        }
        if let Some(Kind::Service(next)) = app.entries.get(required).map(|entry| &entry.kind) {
            no_circle(app, (required, next), path, done)?;
        }
    }
    path.pop();
    done.insert(id);
    Ok(())
}
