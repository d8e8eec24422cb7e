//! A look at the syntax of a source: what it names, calls and returns.

use crate::effort::Effort;
use crate::locals::Locals;
use crate::text::Lines;
use crate::values::{Value, Values};
use luau_syntax::allocator::AstArena;
use luau_syntax::ast::{
    AstVisitor, Expression, ExpressionKind, LocalId, Statement, Type, TypePack,
};
use luau_syntax::ast_names::AstNameTable;
use luau_syntax::location::Location;
use luau_syntax::parser::{Mode, ParseError, ParseOptions, parse};
use std::collections::HashSet;
use std::ops::Range;
use std::rc::Rc;

/// A name and its place.
pub(crate) type Named = (Rc<str>, Range<usize>);

/// What a source names, with its places.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// Globals that are read.
    pub(crate) globals: Vec<Named>,
    /// Globals that are written.
    pub(crate) written: HashSet<Rc<str>>,
    /// Fields of globals or of what was required, `process.send`.
    pub(crate) fields: Vec<(Rc<str>, Rc<str>, Range<usize>)>,
    /// Arguments of `require` that can be seen.
    pub(crate) requires: Vec<Named>,
    /// Calls of functions of modules, with their first two arguments where they can be seen.
    pub(crate) calls: Vec<Call>,
    /// Values that functions return which do not say what they return.
    pub(crate) returns: HashSet<Range<usize>>,
    /// Calls whose last argument is a call or `...`, which may give more values than are wanted; and
    /// those last arguments.
    pub(crate) open: HashSet<Range<usize>>,
    /// Where values are used whose error is tested, in order.
    pub(crate) excused: Vec<usize>,
    /// A type in it is `unknown`.
    pub(crate) says_unknown: bool,
    /// Where the first statement begins.
    pub(crate) first: usize,
    /// Why it is too much for the analyzer, and what to do.
    pub(crate) excess: Option<(String, &'static str)>,
    /// What it says of the mode of the analyzer.
    pub(crate) mode: Option<Mode>,
}

/// A call of a function of a module, or of a method of what such a function gave.
#[derive(Debug)]
pub(crate) struct Call {
    /// The module.
    pub(crate) module: Rc<str>,
    /// The function or method.
    pub(crate) name: Rc<str>,
    /// The texts among its first two arguments that can be seen.
    pub(crate) literals: [Option<Named>; 2],
}

/// Looks at a source, or says why it cannot be loaded.
pub(crate) fn look(source: &str) -> Result<Look, (Range<usize>, String)> {
    let lines = Lines::new(source);
    let arena = AstArena::new();
    let mut names = AstNameTable::new(&arena);
    let parsed = parse(source, &arena, &mut names, ParseOptions::default());
    let place = |error: &ParseError| (lines.span(error.location), error.message.to_string());
    let parsed = parsed.map_err(|errors| {
        errors.errors().first().map_or_else(|| (0..0, errors.to_string()), place)
    })?;
    if let Some(error) = parsed.metadata.errors.first() {
        return Err(place(error));
    }
    let mut locals = Locals::default();
    parsed.root.visit(&mut locals);
    let mut walk = Walk::new(&lines, locals.changed);
    if let Some(first) = parsed.root.as_slice().first() {
        walk.look.first = lines.offset(first.location().begin);
    }
    parsed.root.visit(&mut walk);
    let mut effort = Effort::default();
    parsed.root.visit(&mut effort);
    walk.look.excess = effort.excess();
    walk.look.mode = parsed.metadata.mode();
    walk.look.excused = locals.excused.places().map(|place| lines.offset(place)).collect();
    walk.look.excused.sort_unstable();
    Ok(walk.look)
}

struct Walk<'a> {
    lines: &'a Lines<&'a str>,
    look: Look,
    values: Values<'a>,
    /// The functions around, and whether each says what it returns.
    says: Vec<bool>,
}

impl<'a> Walk<'a> {
    fn new(lines: &'a Lines<&'a str>, changed: HashSet<LocalId>) -> Self {
        let values = Values::new(lines, changed);
        Walk { lines, look: Look::default(), values, says: Vec::new() }
    }

    fn span(&self, location: Location) -> Range<usize> {
        self.lines.span(location)
    }

    /// A call of a function of a module, by itself or by `pcall`.
    fn call(&mut self, func: Expression<'_>, args: &[Expression<'_>], self_call: bool) {
        let protected = match func.as_global() {
            Some(global) if global.name == "pcall" => 1,
            Some(global) if global.name == "xpcall" => 2,
            _ => 0,
        };
        let (func, args, self_call) = match (protected, args.first()) {
            (0, _) => (func, args, self_call),
            (_, Some(func)) => (*func, args.get(protected..).unwrap_or_default(), false),
            (_, None) => return,
        };
        let Some(Value::Function { module, name, of_object }) = self.values.of(func) else {
            return;
        };
        // `builder.spawn(builder, …)`, and not `process:spawn(…)`, which gives it one too many.
        let own = usize::from(of_object && !self_call);
        if of_object || !self_call {
            let literal = |index: usize| self.values.text(*args.get(own + index)?);
            self.look.calls.push(Call { module, name, literals: [literal(0), literal(1)] });
        }
    }

    fn field(&mut self, owner: Expression<'_>, name: Rc<str>, place: Range<usize>) {
        if let Some(module) = self.values.module(owner) {
            self.look.fields.push((module, name, place));
        }
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
            self.look.written.insert(name(global.name.bytes()));
        }
        true
    }

    fn visit_function_declaration_statement(&mut self, statement: Statement<'ast>) -> bool {
        let declared = statement.as_function_declaration();
        if let Some(global) = declared.and_then(|declared| declared.name.as_global()) {
            self.look.written.insert(name(global.name.bytes()));
        }
        true
    }

    fn visit_local_statement(&mut self, statement: Statement<'ast>) -> bool {
        if let Some(statement) = statement.as_local() {
            for (local, value) in statement.bindings.iter().zip(statement.values) {
                self.values.declare(local.identity(), *value);
            }
        }
        true
    }

    fn visit_index_name_expression(&mut self, expression: Expression<'ast>) -> bool {
        if let ExpressionKind::IndexName { expr, index, index_location, .. } = expression.kind() {
            let place = self.span(index_location);
            self.field(expr, name(index.bytes()), place);
        }
        true
    }

    fn visit_index_expression(&mut self, expression: Expression<'ast>) -> bool {
        if let ExpressionKind::IndexExpr { expr, index } = expression.kind()
            && let Some((name, place)) = self.values.text(index)
        {
            self.field(expr, name, place);
        }
        true
    }

    fn visit_call_expression(&mut self, expression: Expression<'ast>) -> bool {
        let ExpressionKind::Call { func, args, self_call, .. } = expression.kind() else {
            return true;
        };
        if func.as_global().is_some_and(|global| global.name == "require") {
            let wanted = args.first().and_then(|wanted| self.values.text(*wanted));
            self.look.requires.extend(wanted);
        } else {
            self.call(func, args, self_call);
        }
        if let Some(last) = args.last()
            && matches!(last.kind(), ExpressionKind::Call { .. } | ExpressionKind::Varargs)
        {
            let places = [expression.location(), func.location(), last.location()];
            let places = places.map(|location| self.span(location));
            self.look.open.extend(places);
        }
        true
    }

    fn visit_function_literal_expression(&mut self, expression: Expression<'ast>) -> bool {
        if let Some(function) = expression.as_function() {
            self.says.push(function.return_annotation.is_some());
            function.visit(self);
            self.says.pop();
        }
        false
    }

    fn visit_return_statement(&mut self, statement: Statement<'ast>) -> bool {
        if !self.says.last().is_some_and(|says| *says) {
            let values = statement.as_return().map_or(&[][..], |statement| statement.expressions);
            let values = values.iter().map(|value| value.location());
            let places = values.chain([statement.location()]);
            self.look.returns.extend(places.map(|location| self.lines.span(location)));
        }
        true
    }

    fn visit_type(&mut self, annotation: Type<'ast>) -> bool {
        let named = annotation.as_reference();
        self.look.says_unknown |= named.is_some_and(|named| named.name == "unknown");
        true
    }

    fn visit_type_pack(&mut self, _pack: TypePack<'ast>) -> bool {
        true
    }
}

fn name(bytes: &[u8]) -> Rc<str> {
    Rc::from(String::from_utf8_lossy(bytes))
}
