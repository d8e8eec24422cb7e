//! What expressions are, as far as can be seen without running them: modules, their functions, texts.

use crate::text::Lines;
use luau_syntax::ast::{Expression, ExpressionKind, LocalId};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

/// What an expression is.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A module, or another global: `time`, `require("time")`.
    Module(Rc<str>),
    /// What a function of a module gave, or a method of such an object: `process.with_context({})`.
    Object(Rc<str>),
    /// A function of a module, or of an object, which it takes as its first argument then.
    Function { module: Rc<str>, name: Rc<str>, of_object: bool },
    /// A literal text and its place.
    Text(Rc<str>, Range<usize>),
}

/// What locals are that are assigned once.
#[derive(Debug)]
pub(crate) struct Values<'a> {
    lines: &'a Lines<&'a str>,
    changed: HashSet<LocalId>,
    known: HashMap<LocalId, Value>,
}

impl<'a> Values<'a> {
    pub(crate) fn new(lines: &'a Lines<&'a str>, changed: HashSet<LocalId>) -> Self {
        Values { lines, changed, known: HashMap::new() }
    }

    /// A local begins with a value.
    pub(crate) fn declare(&mut self, local: LocalId, value: Expression<'_>) {
        if let Some(value) = self.of(value).filter(|_| !self.changed.contains(&local)) {
            self.known.insert(local, value);
        }
    }

    /// What an expression is, where it can be seen.
    pub(crate) fn of(&self, expression: Expression<'_>) -> Option<Value> {
        match expression.kind() {
            ExpressionKind::Grouped(expr) | ExpressionKind::TypeAssertion { expr, .. } => {
                self.of(expr)
            }
            ExpressionKind::Global(name) => Some(Value::Module(text(name.bytes()))),
            ExpressionKind::Local { local, .. } => self.known.get(&local.identity()).cloned(),
            ExpressionKind::String { value, .. } => {
                let place = self.lines.span(expression.location());
                Some(Value::Text(text(value.as_bytes()), place))
            }
            ExpressionKind::IndexName { expr, index, .. } => self.member(expr, text(index.bytes())),
            ExpressionKind::IndexExpr { expr, index } => self.member(expr, self.text(index)?.0),
            ExpressionKind::Call { func, args, .. } => match func.as_global() {
                Some(global) if global.name == "require" => {
                    Some(Value::Module(self.text(*args.first()?)?.0))
                }
                _ => match self.of(func)? {
                    Value::Function { module, .. } => Some(Value::Object(module)),
                    _ => None,
                },
            },
            _ => None,
        }
    }

    fn member(&self, expression: Expression<'_>, name: Rc<str>) -> Option<Value> {
        match self.of(expression)? {
            Value::Module(module) => Some(Value::Function { module, name, of_object: false }),
            Value::Object(module) => Some(Value::Function { module, name, of_object: true }),
            Value::Function { .. } | Value::Text(..) => None,
        }
    }

    /// The module that an expression is.
    pub(crate) fn module(&self, expression: Expression<'_>) -> Option<Rc<str>> {
        match self.of(expression)? {
            Value::Module(module) => Some(module),
            _ => None,
        }
    }

    /// The text that an expression is.
    pub(crate) fn text(&self, expression: Expression<'_>) -> Option<(Rc<str>, Range<usize>)> {
        match self.of(expression)? {
            Value::Text(text, place) => Some((text, place)),
            _ => None,
        }
    }
}

fn text(bytes: &[u8]) -> Rc<str> {
    Rc::from(String::from_utf8_lossy(bytes))
}
