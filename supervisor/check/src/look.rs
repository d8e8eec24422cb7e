//! A look at the syntax of a source: what it names, calls and returns.

use crate::text;
use luau_syntax::allocator::AstArena;
use luau_syntax::ast::{AstVisitor, Expression, ExpressionKind, LocalId, Statement};
use luau_syntax::ast_names::AstNameTable;
use luau_syntax::location::Location;
use luau_syntax::parser::{ParseError, ParseOptions, parse};
use std::collections::HashMap;
use std::ops::Range;

/// What a source names, with its places.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// Globals that are read.
    pub(crate) globals: Vec<(String, Range<usize>)>,
    /// Globals that are written.
    pub(crate) written: Vec<String>,
    /// Fields of globals or of what was required, `process.send`.
    pub(crate) fields: Vec<(String, String, Range<usize>)>,
    /// Literal arguments of `require`.
    pub(crate) requires: Vec<(String, Range<usize>)>,
    /// Calls of functions of modules, with their first two arguments where they are literal.
    pub(crate) calls: Vec<Call>,
    /// Values that functions return which do not say what they return.
    pub(crate) returns: Vec<Range<usize>>,
    /// Where the first statement begins.
    pub(crate) first: usize,
}

/// A call of a function of a module, or of a method of what such a function gave.
#[derive(Debug)]
pub(crate) struct Call {
    /// The module.
    pub(crate) module: String,
    /// The function or method.
    pub(crate) name: String,
    /// The literal texts among its first two arguments.
    pub(crate) literals: [Option<(String, Range<usize>)>; 2],
}

/// Looks at a source, or says why it cannot be loaded.
pub(crate) fn look(source: &str) -> Result<Look, (Range<usize>, String)> {
    let arena = AstArena::new();
    let mut names = AstNameTable::new(&arena);
    let parsed = parse(source, &arena, &mut names, ParseOptions::default());
    let place =
        |error: &ParseError| (text::span(source, error.location), error.message.to_string());
    let parsed = parsed.map_err(|errors| {
        errors.errors().first().map_or_else(|| (0..0, errors.to_string()), place)
    })?;
    if let Some(error) = parsed.metadata.errors.first() {
        return Err(place(error));
    }
    let mut walk = Walk::new(source);
    if let Some(first) = parsed.root.as_slice().first() {
        walk.look.first = text::offset(source, first.location().begin);
    }
    parsed.root.visit(&mut walk);
    Ok(walk.finish())
}

struct Walk<'a> {
    source: &'a str,
    look: Look,
    /// Locals that are a module: `local time = require("time")`.
    modules: HashMap<LocalId, String>,
    /// Locals that are what a function of a module gave: `local builder = process.with_context({})`.
    given: HashMap<LocalId, String>,
    /// Functions, and whether each says what it returns.
    functions: Vec<(Range<usize>, bool)>,
    returns: Vec<Range<usize>>,
}

impl<'a> Walk<'a> {
    fn new(source: &'a str) -> Self {
        Walk {
            source,
            look: Look::default(),
            modules: HashMap::new(),
            given: HashMap::new(),
            functions: Vec::new(),
            returns: Vec::new(),
        }
    }

    fn span(&self, location: Location) -> Range<usize> {
        text::span(self.source, location)
    }

    /// The module that an expression is.
    fn module(&self, expression: Expression<'_>) -> Option<String> {
        match expression.kind() {
            ExpressionKind::Grouped(inner) => self.module(inner),
            ExpressionKind::Call { func, args, .. } => {
                let name = func.as_global().filter(|global| global.name == "require");
                name.and_then(|_| literal(*args.first()?))
            }
            _ => match (expression.as_global(), expression.as_local()) {
                (Some(global), _) => Some(name(global.name.bytes())),
                (_, Some(local)) => self.modules.get(&local.local.identity()).cloned(),
                _ => None,
            },
        }
    }

    /// The module that a chain of calls begins with: `process.with_context({}):spawn`.
    fn root(&self, expression: Expression<'_>) -> Option<String> {
        match expression.kind() {
            ExpressionKind::Call { func, .. } => match func.kind() {
                ExpressionKind::IndexName { expr, .. } => self.root(expr),
                _ => self.module(expression),
            },
            _ => {
                let given = expression.as_local().map(|local| local.local.identity());
                let given = given.and_then(|local| self.given.get(&local).cloned());
                given.or_else(|| self.module(expression))
            }
        }
    }

    fn argument(&self, args: &[Expression<'_>], index: usize) -> Option<(String, Range<usize>)> {
        let argument = args.get(index)?;
        Some((literal(*argument)?, self.span(argument.location())))
    }

    /// Leaves of the returns those in functions that say nothing of what they return.
    fn finish(mut self) -> Look {
        let says = |at: &Range<usize>| {
            let around = self.functions.iter().filter(|(range, _)| range.contains(&at.start));
            around.min_by_key(|(range, _)| range.len()).is_some_and(|(_, says)| *says)
        };
        self.look.returns = self.returns.iter().filter(|at| !says(at)).cloned().collect();
        self.look
    }
}

impl<'ast> AstVisitor<'ast> for Walk<'_> {
    fn visit_global_expression(&mut self, expression: Expression<'ast>) -> bool {
        if let Some(global) = expression.as_global() {
            let place = self.span(expression.location());
            self.look.globals.push((name(global.name.bytes()), place));
        }
        true
    }

    fn visit_assign_statement(&mut self, statement: Statement<'ast>) -> bool {
        let written = statement.as_assign().map_or(&[][..], |assign| assign.vars);
        for global in written.iter().filter_map(|variable| variable.as_global()) {
            self.look.written.push(name(global.name.bytes()));
        }
        true
    }

    fn visit_function_declaration_statement(&mut self, statement: Statement<'ast>) -> bool {
        let declared = statement.as_function_declaration();
        if let Some(global) = declared.and_then(|declared| declared.name.as_global()) {
            self.look.written.push(name(global.name.bytes()));
        }
        true
    }

    fn visit_local_statement(&mut self, statement: Statement<'ast>) -> bool {
        if let Some(statement) = statement.as_local() {
            for (local, value) in statement.bindings.iter().zip(statement.values) {
                if let Some(module) = self.module(*value) {
                    self.modules.insert(local.identity(), module);
                } else if let Some(module) = self.root(*value) {
                    self.given.insert(local.identity(), module);
                }
            }
        }
        true
    }

    fn visit_index_name_expression(&mut self, expression: Expression<'ast>) -> bool {
        if let ExpressionKind::IndexName { expr, index, index_location, .. } = expression.kind()
            && let Some(module) = self.module(expr)
        {
            let place = self.span(index_location);
            self.look.fields.push((module, name(index.bytes()), place));
        }
        true
    }

    fn visit_call_expression(&mut self, expression: Expression<'ast>) -> bool {
        let ExpressionKind::Call { func, args, .. } = expression.kind() else { return true };
        let literals = [self.argument(args, 0), self.argument(args, 1)];
        if func.as_global().is_some_and(|global| global.name == "require") {
            self.look.requires.extend(literals.into_iter().next().flatten());
        } else if let ExpressionKind::IndexName { expr, index, .. } = func.kind()
            && let Some(module) = self.root(expr)
        {
            self.look.calls.push(Call { module, name: name(index.bytes()), literals });
        }
        true
    }

    fn visit_function_literal_expression(&mut self, expression: Expression<'ast>) -> bool {
        if let Some(function) = expression.as_function() {
            let location = expression.location();
            let start = text::offset(self.source, location.begin);
            let end = text::offset(self.source, location.end);
            self.functions.push((start..end, function.return_annotation.is_some()));
        }
        true
    }

    fn visit_return_statement(&mut self, statement: Statement<'ast>) -> bool {
        self.returns.push(self.span(statement.location()));
        if let Some(statement) = statement.as_return() {
            let values = statement.expressions.iter();
            let values: Vec<_> = values.map(|value| self.span(value.location())).collect();
            self.returns.extend(values);
        }
        true
    }
}

fn name(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The text that an expression is, where it is a literal one.
fn literal(expression: Expression<'_>) -> Option<String> {
    Some(name(expression.as_string()?.value.as_bytes()))
}
