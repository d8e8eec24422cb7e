//! The contract, `docs/lua-api.md`, cut into sentences, each of which a test holds up.
//!
//! What is cut: everything below the first `##`. A row of a table counts as one sentence. Other
//! text is cut at the ends of sentences and at semicolons, but not inside brackets or code.

use std::iter;
use std::ops::Range;

/// The contract's text, white space normalised, and where its sentences are.
#[derive(Debug)]
pub struct Contract {
    text: String,
    sentences: Vec<Sentence>,
}

/// A sentence of the contract.
#[derive(Clone, Debug)]
pub struct Sentence {
    /// The heading it stands under.
    pub heading: String,
    range: Range<usize>,
}

impl Contract {
    /// Cuts a Markdown text.
    #[must_use]
    pub fn new(markdown: &str) -> Self {
        let mut contract = Contract { text: String::new(), sentences: Vec::new() };
        let mut heading = String::new();
        let mut rows_to_come = false;
        for block in blocks(markdown) {
            if let Some(title) = block.strip_prefix("## ") {
                title.clone_into(&mut heading);
                continue;
            }
            let start = contract.text.len();
            contract.text.push_str(&block);
            contract.text.push(' ');
            let is_row = block.starts_with('|');
            let is_rule = block.starts_with("|---");
            let cuts = match (is_row, is_rule) {
                (true, false) if rows_to_come => iter::once(0..block.len()).collect(),
                (true, _) => Vec::new(),
                _ => sentences(&block),
            };
            rows_to_come = is_row && (rows_to_come || is_rule);
            if heading.is_empty() {
                continue;
            }
            contract.sentences.extend(cuts.into_iter().map(|cut| Sentence {
                heading: heading.clone(),
                range: start + cut.start..start + cut.end,
            }));
        }
        contract
    }

    /// Where the words stand.
    ///
    /// # Errors
    /// Words that stand nowhere, or at several places.
    pub fn find(&self, words: &str) -> Result<Range<usize>, String> {
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut found = self.text.match_indices(&words);
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Ok(at..at + words.len()),
            (None, _) => Err(format!("not in the contract: {words}")),
            (Some(_), Some(_)) => Err(format!("in the contract at several places: {words}")),
        }
    }

    /// The sentences that no range touches.
    pub fn untouched<'a>(&'a self, ranges: &'a [Range<usize>]) -> impl Iterator<Item = Sentence> {
        let touched =
            |sentence: &Sentence| ranges.iter().any(|range| overlap(range, &sentence.range));
        self.sentences.iter().filter(move |sentence| !touched(sentence)).cloned()
    }

    /// The words of a sentence.
    #[must_use]
    pub fn words(&self, sentence: &Sentence) -> &str {
        &self.text[sentence.range.clone()]
    }
}

/// True where two ranges share something.
#[must_use]
pub fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// Headings, paragraphs, list items and rows, each with its white space normalised.
fn blocks(markdown: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in markdown.lines().map(str::trim) {
        let starts = line.starts_with(['|', '#']) || line.starts_with("- ");
        let words = line.strip_prefix("- ").unwrap_or(line).split_whitespace();
        let words = words.collect::<Vec<_>>().join(" ");
        match blocks.last_mut() {
            Some(block) if goes_on && !starts && !words.is_empty() => {
                block.push(' ');
                block.push_str(&words);
            }
            _ if words.is_empty() => {}
            _ => blocks.push(words),
        }
        goes_on = !line.is_empty() && !line.starts_with(['|', '#']);
    }
    blocks
}

fn sentences(block: &str) -> Vec<Range<usize>> {
    let mut cuts = Vec::new();
    let (mut start, mut depth, mut code) = (0, 0_u32, false);
    let mut before = ' ';
    for (at, c) in block.char_indices() {
        match c {
            '`' => code = !code,
            '(' | '{' if !code => depth += 1,
            ')' | '}' if !code => depth = depth.saturating_sub(1),
            ' ' if !code && depth == 0 && matches!(before, '.' | ';') => {
                // `1.` numbers what follows it.
                let number = block[start..at - 1].bytes().all(|b| b.is_ascii_digit());
                if !number {
                    cuts.push(start..at);
                    start = at + 1;
                }
            }
            _ => {}
        }
        before = c;
    }
    cuts.push(start..block.len());
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# T\nIntro is\nskipped.\n\n## One\n\n- First; `a. b` (c. d). 1. Third.\n\n\
        | head |\n|---|\n| row one |\n| row two |\n\nLast.\n";

    #[test]
    fn the_contract_is_cut() {
        let contract = Contract::new(TEXT);
        let all: Vec<_> = contract.untouched(&[]).collect();
        let words: Vec<_> = all.iter().map(|sentence| contract.words(sentence)).collect();
        let expected =
            ["First;", "`a. b` (c. d).", "1. Third.", "| row one |", "| row two |", "Last."];
        assert_eq!(words, expected);
        assert_eq!(all[0].heading, "One");
    }

    #[test]
    fn words_are_found_once() {
        let contract = Contract::new(TEXT);
        assert!(contract.find("Intro  is skipped").is_ok());
        assert!(contract.find("row").is_err());
        assert!(contract.find("nowhere").is_err());
        let third = contract.find("Third").expect("stands once");
        assert_eq!(contract.untouched(&[third]).count(), 5);
    }
}
