//! One run of all probes under a set of layers: one app, whose main process spawns a worker for each
//! probe and prints what its EXIT says.

use super::outdoors::Outdoors;
use super::table::layers;
use super::{By, Probe, SUCCEEDED, all};
use crate::{App, Ran, bin, run};
use ipc::sandbox::{Layer, Layers};
use rustix::process::geteuid;
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

/// A run that takes longer hangs.
const DEADLINE: Duration = Duration::from_secs(120);

/// The hosts beside that of the main process: of native code and frames; of scripts, with limits that
/// are reached soon; of one that prints without end.
const HOSTS: &str = "\
version: \"1.0\"
namespace: app
entries:
  - {name: attackers, kind: process.host, host: {trust: untrusted}}
  - name: scripts
    kind: process.host
    host:
      {trust: untrusted, memory: 16MiB, turn: 100ms, permissions:
        {spawn: [app:random, app:parentheses], hosts: [app:scripts]}}
  - {name: printers, kind: process.host, host: {trust: untrusted, wall: 1s}}
";

/// What came of each probe, by its name.
pub type Outcomes = BTreeMap<String, String>;

/// Runs all probes with these layers.
///
/// # Errors
/// Where the machine does not give what is to be outside of the workers.
///
/// # Panics
/// Where the run itself does not end as it should.
pub fn measure(layers: Layers) -> io::Result<Outcomes> {
    let outdoors = Outdoors::new(layers.has(Layer::Seccomp))?;
    let app = app();
    // A text in a text: the app hands it on as it is.
    let world = serde_json::to_string(&outdoors.world)?;
    let world = serde_json::to_string(&world)?;
    let mut command = outdoors.command(&bin("wabe"));
    command
        .args(["run", "--allow-no-sandbox", "--layers", &names(layers), "--worker"])
        .arg(bin("probe-worker"));
    command.arg(app.path()).arg("app:main").arg(world);
    let ran = run(&mut command, DEADLINE);
    assert!(ran.code == Some(0) && !ran.late, "with {}: {ran:#?}", names(layers));
    Ok(outcomes(&ran))
}

/// The layers by their names, as `--layers` takes them.
#[must_use]
pub fn names(layers: Layers) -> String {
    match layers {
        Layers::NONE => "none".to_owned(),
        Layers::ALL => "all".to_owned(),
        some => some.iter().map(Layer::as_str).collect::<Vec<_>>().join(","),
    }
}

/// The layers to be seen alone: all but the control group, which stops no probe by itself. An ordinary
/// user sees none: without a sandbox it may not do half of what probes try, and two of the layers
/// it cannot have alone.
#[must_use]
pub fn to_be_seen_alone() -> Layers {
    if geteuid().is_root() { Layers::ALL.without(Layer::Cgroup) } else { Layers::NONE }
}

fn outcomes(ran: &Ran) -> Outcomes {
    let lines = ran.stdout.lines().filter_map(|line| line.strip_prefix("probe\t"));
    lines.filter_map(|line| Some((line.split('\t').next()?.to_owned(), outcome(line)?))).collect()
}

/// From a line `NAME kind signal result error`, tab between them.
fn outcome(line: &str) -> Option<String> {
    let mut fields = line.split('\t').skip(1);
    let (kind, signal, result) = (fields.next()?, fields.next()?, fields.next()?);
    Some(match (kind, result) {
        ("normal", "true") => SUCCEEDED.to_owned(),
        ("normal", "false") => "failed".to_owned(),
        ("normal", text) => text.to_owned(),
        ("signal" | "sandbox", _) => format!("killed: {signal}"),
        (kind, _) => format!("ended: {kind}"),
    })
}

fn app() -> App {
    let (mut names, mut scripts, mut files) = (Vec::new(), Vec::new(), Vec::new());
    for Probe { name, by, .. } in all() {
        let script = match by {
            By::Lua(script) => {
                scripts.push(*name);
                format!("return function()\n{script}\nend")
            }
            _ => {
                names.push(*name);
                NOTHING.to_owned()
            }
        };
        files.push((format!("probe-{name}"), script));
    }
    let main = MAIN
        .replace("NAMES", &serde_json::to_string(&names).unwrap_or_default()[1..].replace(']', ""))
        .replace(
            "SCRIPTS",
            &serde_json::to_string(&scripts).unwrap_or_default()[1..].replace(']', ""),
        );
    let nested = format!("return {}1{}", "(".repeat(1_000_000), ")".repeat(1_000_000));
    files.extend([
        ("main".to_owned(), main),
        ("victim".to_owned(), NOTHING.to_owned()),
        ("random".to_owned(), "return function() return math.random() end".to_owned()),
        ("parentheses".to_owned(), nested),
    ]);
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    App::of("{}", &files).file("hosts/_index.yaml", HOSTS)
}

/// A script that is never run.
const NOTHING: &str = "return function() end";

/// Scripts all at once, for those that spin take their time; the others one after another, for they
/// must not see each other.
const MAIN: &str = r#"
local events = process.events()
local told = process.listen("victim")
local names = {}

local function say(event)
  print("probe", names[event.from], event.exit.kind, event.exit.signal, event.result, event.error)
  names[event.from] = nil
end

local function spawn(name, host, ...)
  local pid, err = process.spawn_monitored("app:probe-" .. name, host, ...)
  if pid then
    names[pid] = name
  else
    print("probe", name, "unborn", "", "", err)
  end
  return pid
end

-- Until that process has ended, or all have; those that are late are terminated.
local function wait(pid, patience)
  local late = time.after(patience)
  while if pid then names[pid] else next(names) do
    local got = channel.select({ events:case_receive(), late:case_receive() })
    if got.channel == events then
      say(got.value)
    elseif got.ok then
      for each in if pid then { [pid] = true } else table.clone(names) do
        process.terminate(each)
      end
    else
      say((events:receive()))
    end
  end
end

return function(world, supervisor)
  local victim = assert(process.spawn("app:victim", "app:attackers", world, process.pid()))
  local victim_os = told:receive()
  for _, name in { SCRIPTS } do
    spawn(name, if name == "endless-print" then "app:printers" else "app:scripts")
  end
  for _, name in { NAMES } do
    local pid = spawn(name, "app:attackers", world, supervisor, victim_os, victim)
    if pid then
      wait(pid, "3s")
    end
  end
  wait(nil, "5s")
  process.terminate(victim)
end
"#;

/// All three kinds of run.
#[derive(Debug)]
pub struct Measured {
    /// Without a layer.
    pub none: Outcomes,
    /// With one layer.
    pub alone: Vec<(Layer, Outcomes)>,
    /// With all.
    pub all: Outcomes,
}

impl Measured {
    /// Runs everything.
    ///
    /// # Errors
    /// As [`measure`].
    pub fn new() -> io::Result<Self> {
        let alone =
            to_be_seen_alone().iter().map(|layer| Ok((layer, measure(Layers::NONE.with(layer))?)));
        Ok(Measured {
            none: measure(Layers::NONE)?,
            alone: alone.collect::<io::Result<_>>()?,
            all: measure(Layers::ALL)?,
        })
    }

    /// The layers of which each alone stopped the probe.
    #[must_use]
    pub fn stoppers(&self, probe: &Probe) -> Vec<Layer> {
        let stopped =
            self.alone.iter().filter(|(_, outcomes)| outcome_of(outcomes, probe) != SUCCEEDED);
        stopped.map(|(layer, _)| *layer).collect()
    }

    /// Everything that is not as the lists say.
    #[must_use]
    pub fn surprises(&self, probe: &Probe) -> Vec<String> {
        let mut surprises = Vec::new();
        let mut expect = |when: &str, outcome: &str, wanted: &str| {
            if outcome != wanted {
                surprises.push(format!("{} {when}: {outcome}, not {wanted}", probe.name));
            }
        };
        let none = outcome_of(&self.none, probe);
        expect("with all layers", outcome_of(&self.all, probe), probe.with_all);
        if !probe.is_for_the_sandbox() {
            expect("without a layer", none, probe.with_all);
            for (layer, outcomes) in &self.alone {
                expect(&format!("with {layer} alone"), outcome_of(outcomes, probe), probe.with_all);
            }
        } else if geteuid().is_root() && (none == SUCCEEDED || probe.needs.is_none()) {
            expect("without a layer", none, SUCCEEDED);
            let (stoppers, listed) = (layers(&self.stoppers(probe)), layers(probe.stopped_by));
            expect("is stopped by each of", &stoppers, &listed);
        }
        surprises
    }
}

/// What came of a probe.
#[must_use]
pub fn outcome_of<'a>(outcomes: &'a Outcomes, probe: &Probe) -> &'a str {
    outcomes.get(probe.name).map_or("nothing", String::as_str)
}
