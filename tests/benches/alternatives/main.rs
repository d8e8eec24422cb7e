//! What others give who would use something else: `cargo bench -p tests --bench alternatives`.
//!
//! The same few figures of wabe and of what is installed here: from the start of an empty actor to
//! its end, and a request and reply of 100 B. What is missing is named. After
//! `--`: words, of which a name must have one; `--rounds N`; `--write`, which puts the table into
//! `docs/performance.md`.

mod hubs;
mod programs;

use tests::bench::table::figure;
use tests::bench::{Args, document, median};

/// What one round gives; what cannot be had is not there.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    start_us: Option<f64>,
    round_trip_us: Option<f64>,
}

/// Somebody's choice.
struct Choice {
    name: &'static str,
    /// What the figures are of.
    how: &'static str,
    /// The program that it needs, and the package that has it.
    needs: (&'static str, &'static str),
    measure: fn() -> Result<Figures, String>,
}

const CHOICES: [Choice; 7] = [
    Choice {
        name: "wabe",
        how: "two Lua processes, sandboxed, through the supervisor",
        needs: ("true", "coreutils"),
        measure: programs::wabe,
    },
    Choice {
        name: "naked Lua",
        how: "`lua5.4`, no sandbox; lines through pipes, directly",
        needs: ("lua5.4", "lua5.4"),
        measure: programs::lua,
    },
    Choice {
        name: "bubblewrap",
        how: "`bwrap --unshare-all lua5.4`; lines through pipes, directly",
        needs: ("bwrap", "bubblewrap"),
        measure: programs::bubblewrap,
    },
    Choice {
        name: "Python multiprocessing",
        how: "`Process` and `Pipe`, no sandbox, directly",
        needs: ("python3", "python3"),
        measure: programs::python,
    },
    Choice {
        name: "Node child_process",
        how: "`fork` and `send`, no sandbox, directly",
        needs: ("node", "nodejs"),
        measure: programs::node,
    },
    Choice {
        name: "Redis",
        how: "two clients in Rust, PUBLISH and SUBSCRIBE, through a Unix socket",
        needs: ("redis-server", "redis-server"),
        measure: hubs::redis,
    },
    Choice {
        name: "NATS",
        how: "two clients in Rust, PUB and SUB, through TCP",
        needs: ("nats-server", "nats-server"),
        measure: hubs::nats,
    },
];

struct Measured {
    choice: &'static Choice,
    rounds: Vec<Figures>,
    failed: Option<String>,
}

impl Measured {
    fn of(choice: &'static Choice) -> Self {
        let (program, package) = choice.needs;
        let missing = format!("not installed: {program}, of the package {package}");
        let failed = (!programs::is_installed(program)).then_some(missing);
        Measured { choice, rounds: Vec::new(), failed }
    }

    fn measure(&mut self) {
        if self.failed.is_none() {
            eprintln!("  {}", self.choice.name);
            match (self.choice.measure)() {
                Ok(figures) => self.rounds.push(figures),
                Err(error) => self.failed = Some(error),
            }
        }
    }

    fn median(&self, of: fn(&Figures) -> Option<f64>) -> String {
        let mut all: Vec<_> = self.rounds.iter().filter_map(of).collect();
        if all.is_empty() { "–".to_owned() } else { figure(median(&mut all), "us") }
    }

    fn line(&self) -> String {
        let Choice { name, how, .. } = self.choice;
        match &self.failed {
            Some(why) => format!("| {name} | {why} | | |\n"),
            None => format!(
                "| {name} | {how} | {} | {} |\n",
                self.median(|figures| figures.start_us),
                self.median(|figures| figures.round_trip_us)
            ),
        }
    }
}

fn main() -> Result<(), String> {
    let args = Args::of_program(3);
    let chosen = CHOICES.iter().filter(|choice| args.wants(choice.name));
    let mut all: Vec<_> = chosen.map(Measured::of).collect();
    for round in 1..=args.rounds {
        eprintln!("round {round} of {}", args.rounds);
        all.iter_mut().for_each(Measured::measure);
    }
    let mut text = format!(
        "{}. Medians of {} rounds.\n\n| | | start to end, p50 | request and reply, 100 B, p50 |\n\
         |---|---|---|---|\n",
        document::machine(),
        args.rounds
    );
    all.iter().for_each(|measured| text += &measured.line());
    print!("{text}");
    if args.write { document::write("alternatives", &text) } else { Ok(()) }
}
