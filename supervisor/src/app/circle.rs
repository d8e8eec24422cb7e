//! Imports do not go round in a circle.

use super::entry::{Code, Entry, Place};
use super::{App, Kind};
use crate::diagnostic::Diagnostic;
use std::collections::BTreeMap;

/// Ids of a circle that are shown, from its beginning.
const SHOWN_MAX: usize = 10;

enum State {
    /// On the way that is being walked.
    Open,
    /// No circle begins here.
    Done,
}

/// An entry on the way, with those of its imports that are still to be walked.
type Step<'a> = (&'a str, std::slice::Iter<'a, (String, String, Place)>);

/// Checks all entries, each once. The way is no recursion, for an app may make it as long as it has
/// entries.
pub(super) fn check(app: &App) -> Result<(), Diagnostic> {
    let mut states = BTreeMap::new();
    app.entries.keys().try_for_each(|id| from(app, id, &mut states))
}

fn from<'a>(
    app: &'a App,
    id: &'a str,
    states: &mut BTreeMap<&'a str, State>,
) -> Result<(), Diagnostic> {
    let mut way: Vec<_> = enter(app, id, states).into_iter().collect();
    while let Some((id, imports)) = way.last_mut() {
        let Some((_, library, place)) = imports.next() else {
            states.insert(id, State::Done);
            way.pop();
            continue;
        };
        if let Some(State::Open) = states.get(library.as_str()) {
            let message = format!("imports go round in a circle: {}", shown(&way, library));
            return Err(place.error(message, "move what both need into a library of its own"));
        }
        way.extend(enter(app, library, states));
    }
    Ok(())
}

/// The step into an entry with code that was not met before.
fn enter<'a>(app: &'a App, id: &'a str, states: &mut BTreeMap<&'a str, State>) -> Option<Step<'a>> {
    let Some(Entry { kind: Kind::Code(_, Code { imports, .. }), .. }) = app.entries.get(id) else {
        return None;
    };
    if states.contains_key(id) {
        return None;
    }
    states.insert(id, State::Open);
    Some((id, imports.iter()))
}

/// The circle that ends where it begins, with its middle left out where it is long.
fn shown(way: &[Step<'_>], first: &str) -> String {
    let circle = way.iter().map(|(id, _)| *id).skip_while(|id| *id != first);
    let circle: Vec<_> = circle.collect();
    let more = if circle.len() > SHOWN_MAX { " -> ..." } else { "" };
    let circle = circle[..circle.len().min(SHOWN_MAX)].join(" -> ");
    format!("{circle}{more} -> {first}")
}

#[cfg(test)]
impl App {
    /// Libraries each of which imports the next two, so that there are more ways through a long chain
    /// than anybody could go; the last one has this text.
    pub(crate) fn chain(length: usize, last: &str) -> Self {
        let mut app = App::default();
        for number in 0..length {
            let text = if number + 1 == length { last } else { "" };
            let next = (number + 1..length).take(2).map(tests::id);
            app.entries.insert(tests::id(number), tests::library(text, &next.collect::<Vec<_>>()));
        }
        app
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::CodeKind;
    use ipc::Limits;
    use serde_json::Map;

    pub(super) fn library(text: &str, imports: &[String]) -> Entry {
        let (file, text, method) = (String::new(), text.to_owned(), String::new());
        let imports = imports.iter().map(|id| (id.clone(), id.clone(), Place::default())).collect();
        let (limits, modules, default_host) = (Limits::NONE, Vec::new(), None);
        let code = Code { file, text, method, limits, imports, modules, default_host };
        let kind = Kind::Code(CodeKind::Library, code);
        Entry { kind, meta: Map::new(), place: Place::default() }
    }

    pub(super) fn id(number: usize) -> String {
        format!("app:l{number:06}")
    }

    /// A chain whose last library imports the second one.
    fn round(length: usize) -> App {
        let mut app = App::chain(length, "");
        app.entries.insert(id(length - 1), library("", &[id(1)]));
        app
    }

    #[test]
    fn a_long_chain_is_walked_on_a_small_stack() {
        let walk = || check(&App::chain(100_000, "")).is_ok();
        let small = std::thread::Builder::new().stack_size(128 * 1024).spawn(walk);
        assert!(small.expect("a thread").join().expect("it does not overflow"));
    }

    #[test]
    fn a_circle_is_shown_from_where_it_begins_and_a_long_one_in_part() {
        let message = |app: App| check(&app).expect_err("a circle").message;
        let begins = "imports go round in a circle: app:l000001 -> ";
        assert_eq!(message(round(3)), format!("{begins}app:l000002 -> app:l000001"));
        let long = message(round(100_000));
        assert!(long.starts_with(&format!("{begins}app:l000002")), "{long}");
        assert!(long.ends_with("app:l000010 -> ... -> app:l000001"), "{long}");
    }

    #[test]
    fn two_ways_to_one_library_are_no_circle() {
        let mut app = App::chain(3, "");
        app.entries.insert(id(0), library("", &[id(1), id(2), id(2)]));
        assert!(check(&app).is_ok());
    }
}
