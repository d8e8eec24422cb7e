//! What the table is made of.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A module of the API.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// Name of the global; empty for the functions that are globals themselves.
    pub name: &'static str,
    /// What it is for, in one line.
    pub doc: &'static str,
    /// What is in it.
    pub items: &'static [Item],
}

/// A kind of object.
#[derive(Clone, Copy, Debug)]
pub struct Class {
    /// Name of its type; with a parameter where it has one (`Channel<T>`).
    pub name: &'static str,
    /// What `typeof` says of such an object, and errors about arguments.
    pub runtime: &'static str,
    /// What it is, in one line.
    pub doc: &'static str,
    /// Its methods and fields.
    pub items: &'static [Item],
}

/// A type that is no object.
#[derive(Clone, Copy, Debug)]
pub struct Alias {
    /// Name of the type.
    pub name: &'static str,
    /// The type, in Luau's syntax.
    pub luau: &'static str,
    /// What an error about an argument says in its place.
    pub runtime: &'static str,
    /// What it is, in one line.
    pub doc: &'static str,
}

/// A member of a module or class.
#[derive(Clone, Copy, Debug)]
pub enum Item {
    /// A function or method.
    Function(Function),
    /// A value of one type.
    Field {
        /// Its name.
        name: &'static str,
        /// Its type.
        luau: &'static str,
        /// What it is, in one line.
        doc: &'static str,
    },
    /// A table of its own, such as `process.registry`.
    Table {
        /// Its name.
        name: &'static str,
        /// What it is for, in one line.
        doc: &'static str,
        /// What is in it.
        items: &'static [Item],
    },
}

/// A function, or a method without its `self`.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// Parameters as in a declaration: `entry: string, host: string, ...: any`. Required is what has
    /// neither `?` nor the type `any`. A wrong type raises, except where `~` stands before the name.
    pub params: &'static str,
    /// Results as in a declaration: `boolean`, `(string?, Error?)`, `()`.
    pub results: &'static str,
    /// Kinds of the Error that it may give.
    pub failures: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
}

/// A function, in one line.
pub(crate) const fn f(
    name: &'static str,
    params: &'static str,
    results: &'static str,
    failures: &'static str,
    doc: &'static str,
) -> Item {
    Item::Function(Function { name, params, results, failures, doc })
}

/// A field, in one line.
pub(crate) const fn v(name: &'static str, luau: &'static str, doc: &'static str) -> Item {
    Item::Field { name, luau, doc }
}

impl Item {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Item::Function(function) => function.name,
            Item::Field { name, .. } | Item::Table { name, .. } => name,
        }
    }
}

/// One parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'a> {
    /// Its name; `...` for all further arguments.
    pub name: &'a str,
    /// Its type.
    pub luau: &'a str,
    /// True where a wrong type raises.
    pub raises: bool,
}

impl Param<'_> {
    /// True for all further arguments.
    #[must_use]
    pub fn is_rest(&self) -> bool {
        self.name == "..."
    }

    /// True where a wrong type raises: also of what may be left out, where it is given.
    #[must_use]
    pub fn is_checked(&self) -> bool {
        self.raises || (self.is_optional() && self.luau != "any" && !self.is_rest())
    }

    /// True where it may be left out.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.luau.ends_with('?') || self.luau == "any"
    }
}

/// The parameters of a declaration.
#[must_use]
pub fn params(text: &str) -> Vec<Param<'_>> {
    let parts = split(text, ',').into_iter().filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, luau) = part.split_once(':').unwrap_or((part, "any"));
            let (name, luau) = (name.trim(), luau.trim());
            let param = Param { name: name.trim_start_matches('~'), luau, raises: false };
            let raises = !name.starts_with('~') && !param.is_rest() && !param.is_optional();
            Param { raises, ..param }
        })
        .collect()
}

/// Splits at a character that stands in no bracket.
#[must_use]
pub fn split(text: &str, at: char) -> Vec<&str> {
    let (mut parts, mut depth, mut start, mut before) = (Vec::new(), 0, 0, ' ');
    for (index, c) in text.char_indices() {
        match c {
            '(' | '{' | '<' | '[' => depth += 1,
            // The second half of an arrow closes nothing.
            '>' if before == '-' => {}
            ')' | '}' | '>' | ']' => depth -= 1,
            _ if c == at && depth == 0 => {
                parts.push(text[start..index].trim());
                start = index + c.len_utf8();
            }
            _ => {}
        }
        before = c;
    }
    parts.push(text[start..].trim());
    parts
}

/// Types that need no table to be understood.
const PLAIN: [&str; 3] = ["buffer", "number", "string"];

/// What an error about an argument says that it expected, in the words of `typeof`: the first
/// alternative of the type, or all where they are plain.
#[must_use]
pub fn expected(luau: &str) -> String {
    let luau = bare(luau);
    let all = split(luau, '|');
    if all.iter().all(|one| PLAIN.contains(one)) {
        return all.join(" or ");
    }
    first_of(all.first().unwrap_or(&luau)).to_string()
}

/// A type without its `?`, and without the brackets that the `?` needs round a union.
fn bare(luau: &str) -> &str {
    let bare = luau.trim_end_matches('?');
    let inner = bare.strip_prefix('(').and_then(|bare| bare.strip_suffix(')'));
    inner.filter(|inner| !inner.contains("->")).unwrap_or(bare)
}

fn first_of(first: &str) -> &str {
    let bare = first.split('<').next().unwrap_or(first);
    let class = crate::CLASSES.iter().find(|class| class.bare_name() == bare);
    let alias = crate::ALIASES.iter().find(|alias| alias.name == bare);
    match (class, alias) {
        (Some(class), _) => class.runtime,
        (None, Some(alias)) => alias.runtime,
        (None, None) if first.starts_with('{') => "table",
        (None, None) if first.starts_with('(') => "function",
        (None, None) => first,
    }
}

impl Class {
    /// Its name without its parameter.
    #[must_use]
    pub fn bare_name(&self) -> &'static str {
        self.name.split('<').next().unwrap_or(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn brackets_hold_together_what_is_in_them() {
        assert_eq!(
            split("a: {x: number, y: number}, b: (n: number, m: T<A, B>) -> (), c", ','),
            ["a: {x: number, y: number}", "b: (n: number, m: T<A, B>) -> ()", "c"]
        );
    }

    #[test]
    fn what_is_required_raises_unless_it_says_otherwise() {
        let raising = |text| params(text).iter().map(|param| param.raises).collect::<Vec<_>>();
        assert_eq!(
            raising("a: string, ~b: string, c: number?, d: any, ...: string"),
            vec![true, false, false, false, false]
        );
        assert_eq!(params(""), []);
    }

    #[test]
    fn what_is_given_is_checked_though_it_may_be_left_out() {
        let checked = |text| params(text).iter().map(Param::is_checked).collect::<Vec<_>>();
        assert_eq!(
            checked("a: string, ~b: string, c: number?, d: any, ...: string"),
            vec![true, false, true, false, false]
        );
    }

    #[test]
    fn errors_name_the_first_alternative() {
        assert_eq!(expected("Error | string"), "Error");
        assert_eq!(expected("string | Error"), "string");
        assert_eq!(expected("string | buffer"), "string or buffer");
        assert_eq!(expected("Span"), "duration");
        assert_eq!(expected("Channel<any>"), "channel");
        assert_eq!(expected("{[string]: any}"), "table");
        assert_eq!(expected("(...any) -> ()"), "function");
        assert_eq!(expected("(Span | string)?"), "duration");
        assert_eq!(expected("string?"), "string");
    }
}
