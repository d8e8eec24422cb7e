//! What each layer of the sandbox costs: `cargo bench -p tests --bench layers`.
//!
//! One process after the other is spawned and its EXIT awaited, with no layer, with each layer
//! alone, with all but each, and with all. The variants take turns, round by round, and of their
//! rounds the medians are shown: a machine that is busy for a while is so for all of them. `cpu` is
//! what the kernel charges for a spawn in all processes together, and `time` the median from the call
//! of `spawn_monitored` to the EXIT in Lua. The differences are to the first line.

use ipc::sandbox::Layer;
use std::time::Duration;
use tests::App;
use tests::bench::{cpu_of, median};

const ROUNDS: usize = 5;
const SPAWNS: u32 = 400;

const MAIN: &str = r#"
return function(count)
  local events, times = process.events(), {}
  for i = 1, count do
    local began = time.now()
    assert(process.spawn_monitored("app:empty", "app:processes"))
    events:receive()
    times[i] = time.now():sub(began):microseconds()
  end
  table.sort(times)
  return times[count // 2]
end"#;

const EMPTY: &str = "return function() end";

struct Variant {
    name: String,
    layers: String,
    strict: bool,
    cpu_us: Vec<f64>,
    p50_us: Vec<f64>,
}

impl Variant {
    fn new(name: impl Into<String>, layers: &[Layer]) -> Self {
        let names: Vec<_> = layers.iter().map(|layer| layer.as_str()).collect();
        let layers = if names.is_empty() { "none".to_owned() } else { names.join(",") };
        Variant { name: name.into(), layers, strict: false, cpu_us: Vec::new(), p50_us: Vec::new() }
    }

    fn measure(&mut self) {
        let host = if self.strict { "{sandbox: strict}" } else { "{}" };
        let app = App::of(host, &[("main", MAIN), ("empty", EMPTY)]);
        let spawns = if self.strict { SPAWNS / 8 } else { SPAWNS };
        let run = |count: u32| {
            let mut command = app.command("app:main");
            command.args([count.to_string().as_str(), "--json", "--allow-no-sandbox"]);
            cpu_of(command.args(["--layers", &self.layers]), Duration::from_secs(120))
        };
        // What a run costs that spawns next to nothing is not the spawns'.
        let (_, base) = run(1);
        let (result, cpu) = run(spawns + 1);
        self.cpu_us.push((cpu.saturating_sub(base)).as_secs_f64() * 1e6 / f64::from(spawns));
        self.p50_us.push(result["result"].as_f64().expect("main returns a number"));
    }
}

fn variants() -> Vec<Variant> {
    // Control groups are there only where they are delegated.
    let known: Vec<_> = Layer::ALL.into_iter().filter(|layer| *layer != Layer::Cgroup).collect();
    let mut all = vec![Variant::new("none", &[])];
    all.extend(known.iter().map(|layer| Variant::new(format!("{layer} alone"), &[*layer])));
    // Landlock and the filter need it where there are no capabilities.
    for layer in known.iter().filter(|layer| **layer != Layer::NoNewPrivs) {
        let rest: Vec<_> = known.iter().copied().filter(|other| other != layer).collect();
        all.push(Variant::new(format!("all but {layer}"), &rest));
    }
    all.push(Variant::new("all (standard)", &Layer::ALL));
    all.push(Variant { strict: true, ..Variant::new("all (strict)", &Layer::ALL) });
    all
}

fn main() {
    let mut all = variants();
    for round in 1..=ROUNDS {
        eprintln!("round {round} of {ROUNDS}");
        all.iter_mut().for_each(Variant::measure);
    }
    let (cpu, p50) = (median(&mut all[0].cpu_us), median(&mut all[0].p50_us));
    println!("| layers | cpu of a spawn | more than none | spawn to EXIT | more than none |");
    println!("|---|---|---|---|---|");
    for variant in &mut all {
        let (own_cpu, own_p50) = (median(&mut variant.cpu_us), median(&mut variant.p50_us));
        println!(
            "| {} | {own_cpu:.0} us | {:+.0} us | {own_p50:.0} us | {:+.0} us |",
            variant.name,
            own_cpu - cpu,
            own_p50 - p50
        );
    }
}
