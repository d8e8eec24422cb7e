//! The cases of the conformance tests: what a `*.lua` file under `tests/conformance` holds.
//!
//! Text before the first case is for readers. Then, line by line:
//!
//! - `--# sentence` begins a case: the words of `docs/lua-api.md`, verbatim, that it holds up.
//!   Several such lines in a row quote several places.
//! - `--: title text` names it; `--: exit 1` is the exit code to expect (0 without);
//!   `--: stderr-has text` a text to find in standard error, `--: stderr-once text` one to find in
//!   exactly one line of it. All optional.
//! - The script of the entry `app:main` follows. It keeps the line numbers of the file it is in.
//! - `--@ name` begins a further file: `--@ child` the script of the entry `app:child`,
//!   `--@ lib:util` that of the library `app:util`, which every process imports as `util`,
//!   `--@ entries` YAML added to the entries of the manifest, `--@ manifest` YAML in its place,
//!   `--@ file:a/b.txt` any file, and `--@ stdout` what is expected on standard output, each line
//!   after `-- `, where `<*>` stands for any text. YAML may stand between `--[[` and `]]`.

use crate::{App, Ran};
use std::fmt::Write;
use std::mem;

/// One case.
#[derive(Debug, Default)]
pub struct Case {
    /// `section::title-in-short`.
    pub name: String,
    /// Where it begins: file and line.
    pub place: String,
    /// What it quotes from the contract.
    pub quotes: Vec<String>,
    exit: i32,
    stderr_has: Vec<String>,
    stderr_once: Vec<String>,
    stdout: Option<Vec<String>>,
    processes: Vec<String>,
    libraries: Vec<String>,
    entries: String,
    manifest: Option<String>,
    files: Vec<(String, String)>,
}

/// Reads the cases of one file.
///
/// # Errors
/// A directive that does not exist, or a case without a script.
pub fn read(section: &str, file: &str, text: &str) -> Result<Vec<Case>, String> {
    let mut cases: Vec<Draft> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let quote = line.strip_prefix("--# ");
        if quote.is_some() && cases.last().is_none_or(|draft| draft.began) {
            cases.push(Draft::new(format!("{file}:{number}")));
        }
        let Some(draft) = cases.last_mut() else { continue };
        match quote {
            Some(quote) => draft.case.quotes.push(quote.trim().to_owned()),
            None => {
                let read = draft.line(number, line);
                read.map_err(|error| format!("{file}:{number}: {error}"))?;
            }
        }
    }
    let mut done: Vec<Case> = Vec::new();
    for draft in cases {
        let mut case = draft.finish()?;
        case.name = format!("{section}::{}", slug(&case.name));
        let same = done.iter().filter(|other| other.name.starts_with(&case.name)).count();
        if same > 0 {
            write!(case.name, "-{}", same + 1).expect("a String takes text");
        }
        done.push(case);
    }
    Ok(done)
}

impl Case {
    /// The app that the case describes.
    #[must_use]
    pub fn app(&self) -> App {
        let manifest = self.manifest.clone().unwrap_or_else(|| self.generated());
        let app = App::new().file("_index.yaml", &manifest);
        self.files.iter().fold(app, |app, (name, text)| app.file(name, text))
    }

    /// What is wrong with how it went, if anything.
    ///
    /// # Errors
    /// Every expectation that was not met, one in a line.
    pub fn judge(&self, ran: &Ran) -> Result<(), String> {
        let mut wrong = String::new();
        if ran.late {
            wrong.push_str("did not end before the deadline\n");
        } else if ran.code != Some(self.exit) {
            let Ran { code, signal, .. } = ran;
            let _ = writeln!(wrong, "exit code {code:?}, signal {signal:?}, not {}", self.exit);
        }
        if ran.leaked {
            wrong.push_str("somebody lives on and holds its output open\n");
        }
        if let Some(expected) = &self.stdout
            && !same_lines(expected, &ran.stdout)
        {
            let _ = writeln!(wrong, "expected on stdout:\n{}\n", expected.join("\n"));
        }
        for text in self.stderr_has.iter().filter(|text| !ran.stderr.contains(text.as_str())) {
            let _ = writeln!(wrong, "stderr has no '{text}'");
        }
        for text in &self.stderr_once {
            let lines = ran.stderr.lines().filter(|line| line.contains(text.as_str())).count();
            if lines != 1 {
                let _ = writeln!(wrong, "{lines} lines of stderr have '{text}', not 1");
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn generated(&self) -> String {
        let mut yaml = String::from(
            "version: \"1.0\"\nnamespace: app\n\nentries:\n\
             \x20 - name: processes\n    kind: process.host\n    lifecycle: {auto_start: true}\n",
        );
        let imports: Vec<_> =
            self.libraries.iter().map(|lib| format!("{lib}: app:{lib}")).collect();
        let imports = imports.join(", ");
        for name in &self.processes {
            let _ = write!(
                yaml,
                "  - name: {name}\n    kind: process.lua\n    source: file://{name}.lua\n    \
                 method: main\n    imports: {{{imports}}}\n"
            );
        }
        for name in &self.libraries {
            let _ = write!(
                yaml,
                "  - name: {name}\n    kind: library.lua\n    source: file://{name}.lua\n"
            );
        }
        for line in self.entries.lines() {
            let _ = writeln!(yaml, "  {line}");
        }
        yaml
    }
}

/// A case that is being read.
struct Draft {
    case: Case,
    began: bool,
    section: String,
    text: String,
}

impl Draft {
    fn new(place: String) -> Self {
        let case = Case { place, ..Case::default() };
        Draft { case, began: false, section: String::from("main"), text: String::new() }
    }

    fn line(&mut self, number: usize, line: &str) -> Result<(), String> {
        if let Some(directive) = line.strip_prefix("--: ") {
            return self.directive(directive.trim());
        }
        if !self.began {
            self.began = true;
            self.text = "\n".repeat(number - 1);
        }
        if let Some(section) = line.strip_prefix("--@ ") {
            self.end_section()?;
            section.trim().clone_into(&mut self.section);
        } else {
            self.text.push_str(line);
            self.text.push('\n');
        }
        Ok(())
    }

    fn directive(&mut self, directive: &str) -> Result<(), String> {
        let (word, rest) = directive.split_once(' ').unwrap_or((directive, ""));
        match word {
            "title" => rest.clone_into(&mut self.case.name),
            "exit" => self.case.exit = rest.parse().map_err(|_| format!("exit code '{rest}'?"))?,
            "stderr-once" => self.case.stderr_once.push(rest.to_owned()),
            "stderr-has" => self.case.stderr_has.push(rest.to_owned()),
            _ => return Err(format!("unknown directive '{word}'")),
        }
        Ok(())
    }

    fn end_section(&mut self) -> Result<(), String> {
        let text = mem::take(&mut self.text);
        let section = mem::take(&mut self.section);
        let case = &mut self.case;
        match section.split_once(':').unwrap_or((section.as_str(), "")) {
            ("stdout", "") => case.stdout = Some(expected(&text)?),
            ("manifest", "") => case.manifest = Some(yaml(&text).to_owned()),
            ("entries", "") => yaml(&text).clone_into(&mut case.entries),
            ("file", name) => case.files.push((name.to_owned(), yaml(&text).to_owned())),
            ("lib", name) => {
                case.libraries.push(name.to_owned());
                case.files.push((format!("{name}.lua"), text));
            }
            (name, "") => {
                case.processes.push(name.to_owned());
                case.files.push((format!("{name}.lua"), text));
            }
            _ => return Err(format!("unknown section '{section}'")),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Case, String> {
        let place = &self.case.place;
        if !self.began {
            return Err(format!("{place}: a case without a script"));
        }
        if self.case.name.is_empty() {
            self.case.name = self.case.quotes[0].clone();
        }
        let place = place.clone();
        self.end_section().map_err(|error| format!("{place}: {error}"))?;
        Ok(self.case)
    }
}

fn expected(text: &str) -> Result<Vec<String>, String> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let plain = |line: &str| match line.strip_prefix("--") {
        Some(rest) => Ok(rest.strip_prefix(' ').unwrap_or(rest).to_owned()),
        None => Err(format!("expected output without '-- ': {line}")),
    };
    lines.map(plain).collect()
}

fn yaml(text: &str) -> &str {
    let inner = text.trim_end().strip_prefix("--[[\n").and_then(|text| text.strip_suffix("]]"));
    inner.unwrap_or(text)
}

fn same_lines(expected: &[String], stdout: &str) -> bool {
    let lines: Vec<_> = stdout.lines().collect();
    lines.len() == expected.len()
        && expected.iter().zip(lines).all(|(pattern, line)| matches(pattern, line))
}

/// True where the line is the pattern, with any text at each `<*>`.
fn matches(pattern: &str, line: &str) -> bool {
    let Some((head, rest)) = pattern.split_once("<*>") else { return pattern == line };
    let Some(line) = line.strip_prefix(head) else { return false };
    let ends = line.char_indices().map(|(at, _)| at).chain([line.len()]);
    ends.into_iter().any(|at| matches(rest, &line[at..]))
}

fn slug(title: &str) -> String {
    let lower = title.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut slug = String::new();
    for word in words {
        if slug.len() + word.len() > 60 {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(word);
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "-- For readers.\n\n--# First.\n--# Second.\n--: title A `Case`\n--: exit 1\n\
        return 1\n--@ child\nreturn 2\n--@ stdout\n-- x <*> z\n\n--# Third.\nreturn 3\n";

    fn ran(code: i32, stdout: &str) -> Ran {
        let (stdout, stderr) = (stdout.to_owned(), String::new());
        Ran { code: Some(code), signal: None, late: false, leaked: false, stdout, stderr }
    }

    #[test]
    fn cases_are_read() {
        let cases = read("s", "s.lua", TWO).expect("two good cases");
        let names: Vec<_> = cases.iter().map(|case| (&*case.name, &*case.place)).collect();
        assert_eq!(names, [("s::a-case", "s.lua:3"), ("s::third", "s.lua:13")]);
        assert_eq!(cases[0].quotes, ["First.", "Second."]);
        assert_eq!(cases[0].files[0], ("main.lua".into(), "\n".repeat(6) + "return 1\n"));
        assert_eq!(cases[0].files[1], ("child.lua".into(), "return 2\n".into()));
        assert!(cases[0].judge(&ran(1, "x y z\n")).is_ok());
        assert!(cases[0].judge(&ran(0, "x y z\n")).is_err());
        assert!(cases[0].judge(&ran(1, "x y\n")).is_err());
        assert!(cases[1].judge(&ran(0, "anything")).is_ok());
    }

    #[test]
    fn mistakes_are_refused() {
        for text in
            ["--# A.\n--: exti 1\nx", "--# A.\n--: exit one\nx", "--# A.\n", "--# A.\nx\n--@ a:b\n"]
        {
            assert!(read("s", "s.lua", text).is_err(), "{text}");
        }
    }
}
