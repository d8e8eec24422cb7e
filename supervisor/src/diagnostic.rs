//! Errors about a file that a person wrote: the place, the line with the offending text underlined,
//! and what to do.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::fmt;
use std::ops::Range;
use std::path::Path;

/// One error in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, lowercase.
    pub message: String,
    /// File as the user knows it; empty where no file is to blame.
    pub file: String,
    /// The whole text of the file.
    pub text: String,
    /// The offending bytes of the text.
    pub span: Range<usize>,
    /// What to do.
    pub help: String,
}

impl Diagnostic {
    /// An error that no single file is to blame for.
    #[must_use]
    pub fn general(message: impl Into<String>, help: impl Into<String>) -> Self {
        let (message, help) = (message.into(), help.into());
        Diagnostic { message, file: String::new(), text: String::new(), span: 0..0, help }
    }

    /// The same with the file as it is found from where the user stands.
    #[must_use]
    pub fn seen_from_outside(mut self, app: &Path) -> Self {
        if !self.file.is_empty() {
            let path = if app.is_dir() { app.join(&self.file) } else { app.to_owned() };
            self.file = path.to_string_lossy().into_owned();
        }
        self
    }

    /// The line (from 1) of the offending text.
    #[must_use]
    pub fn line(&self) -> usize {
        self.text[..self.span.start].matches('\n').count() + 1
    }

    /// The error for a terminal, in colour where it is one.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        self.render_as(Level::ERROR, None, colour)
    }

    /// The column (from 1, in characters) of the offending text.
    #[must_use]
    pub fn column(&self) -> usize {
        let before = &self.text[..self.span.start];
        before.rsplit('\n').next().unwrap_or_default().chars().count() + 1
    }

    /// The same as something else than an error, or with the code of its kind.
    pub(crate) fn render_as(&self, level: Level<'_>, code: Option<&str>, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let title = level.primary_title(&self.message);
        let title = match code {
            Some(code) => title.id(code),
            None => title,
        };
        if self.file.is_empty() {
            let help = Level::HELP.secondary_title(&self.help);
            return renderer.render(&[Group::with_title(title), Group::with_title(help)]);
        }
        let help = Level::HELP.message(&self.help);
        let annotation = AnnotationKind::Primary.span(self.span.clone());
        let snippet = Snippet::source(&self.text).path(&self.file).annotation(annotation);
        renderer.render(&[title.element(snippet).element(help)])
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.file.is_empty() {
            return write!(f, "{}", self.message);
        }
        write!(f, "{}:{}: {}", self.file, self.line(), self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// The bytes of line `line` (from 1), without indentation, line break or what follows.
#[must_use]
pub(crate) fn line_span(text: &str, line: usize) -> Range<usize> {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let content = text[start..].lines().next().unwrap_or_default();
    let indent = content.len() - content.trim_start().len();
    start + indent..start + content.trim_end().len().max(indent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_and_the_remedy_are_shown() {
        let text = "namespace: app\n  bad line\n".to_owned();
        let span = line_span(&text, 2);
        assert_eq!(&text[span.clone()], "bad line");
        let (file, message, help) = ("a.yaml".into(), "not a field".into(), "remove it".into());
        let rendered = Diagnostic { message, file, text, span, help }.render(false);
        assert!(rendered.contains("error: not a field"), "{rendered}");
        assert!(rendered.contains("a.yaml:2:3"), "{rendered}");
        assert!(rendered.contains("^^^^^^^^"), "{rendered}");
        assert!(rendered.contains("help: remove it"), "{rendered}");
    }

    #[test]
    fn a_line_past_the_end_is_empty() {
        assert_eq!(line_span("a\nb", 9), 3..3);
        assert_eq!(line_span("", 1), 0..0);
    }
}
