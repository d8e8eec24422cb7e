//! A first walk through a source: which locals change, and which are tested by the error beside them.

use luau_syntax::ast::{
    AstVisitor, BinaryOp, Expression, ExpressionKind, LocalId, Statement, UnaryOp,
};
use std::collections::HashSet;

/// What is known of the locals of a source before its names are looked at.
#[derive(Debug, Default)]
pub(crate) struct Locals {
    /// Locals that are assigned to after their declaration.
    pub(crate) changed: HashSet<LocalId>,
    /// Errors, each with the value beside it: `local pid, err = process.spawn(…)`.
    beside: Vec<(LocalId, LocalId)>,
    /// Locals that a condition asks for.
    tested: HashSet<LocalId>,
}

impl Locals {
    /// Values that may be nil by their type, and are not where the error beside them is none: no type
    /// says so, and scripts test the error as often as the value.
    pub(crate) fn excused(&self) -> HashSet<LocalId> {
        let tested = self.beside.iter().filter(|(error, _)| self.tested.contains(error));
        tested.map(|(_, value)| *value).collect()
    }

    fn pair(&mut self, locals: impl Iterator<Item = Option<LocalId>>, values: &[Expression<'_>]) {
        let locals: Vec<_> = locals.take(2).collect();
        if let ([Some(value), Some(error)], [call]) = (&locals[..], values)
            && call.as_call().is_some()
        {
            self.beside.push((*error, *value));
        }
    }

    fn test(&mut self, condition: Expression<'_>) {
        match condition.kind() {
            ExpressionKind::Grouped(inner) => self.test(inner),
            ExpressionKind::Unary { op: UnaryOp::Not, rhs } => self.test(rhs),
            ExpressionKind::Binary { lhs, op, rhs } if tests(op) => {
                self.test(lhs);
                self.test(rhs);
            }
            _ => self.tested.extend(local(condition)),
        }
    }
}

fn tests(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::And | BinaryOp::Or | BinaryOp::Equal | BinaryOp::NotEqual)
}

fn local(expression: Expression<'_>) -> Option<LocalId> {
    expression.as_local().map(|local| local.local.identity())
}

impl<'ast> AstVisitor<'ast> for Locals {
    fn visit_local_statement(&mut self, statement: Statement<'ast>) -> bool {
        if let Some(statement) = statement.as_local() {
            let bindings = statement.bindings.iter().map(|local| Some(local.identity()));
            self.pair(bindings, statement.values);
        }
        true
    }

    fn visit_assign_statement(&mut self, statement: Statement<'ast>) -> bool {
        if let Some(assign) = statement.as_assign() {
            let locals = assign.vars.iter().map(|variable| local(*variable));
            self.changed.extend(locals.clone().flatten());
            self.pair(locals, assign.values);
        }
        true
    }

    fn visit_compound_assign_statement(&mut self, statement: Statement<'ast>) -> bool {
        let assign = statement.as_compound_assign();
        self.changed.extend(assign.and_then(|assign| local(assign.var)));
        true
    }

    fn visit_function_declaration_statement(&mut self, statement: Statement<'ast>) -> bool {
        let declared = statement.as_function_declaration();
        self.changed.extend(declared.and_then(|declared| local(declared.name)));
        true
    }

    fn visit_if_statement(&mut self, statement: Statement<'ast>) -> bool {
        statement.as_if().into_iter().for_each(|one| self.test(one.condition));
        true
    }

    fn visit_while_statement(&mut self, statement: Statement<'ast>) -> bool {
        statement.as_while().into_iter().for_each(|one| self.test(one.condition));
        true
    }

    fn visit_repeat_statement(&mut self, statement: Statement<'ast>) -> bool {
        statement.as_repeat().into_iter().for_each(|one| self.test(one.condition));
        true
    }

    fn visit_if_expression(&mut self, expression: Expression<'ast>) -> bool {
        expression.as_if().into_iter().for_each(|one| self.test(one.condition));
        true
    }

    fn visit_binary_expression(&mut self, expression: Expression<'ast>) -> bool {
        if let ExpressionKind::Binary { lhs, op: BinaryOp::And | BinaryOp::Or, .. } =
            expression.kind()
        {
            self.test(lhs);
        }
        true
    }

    fn visit_call_expression(&mut self, expression: Expression<'ast>) -> bool {
        if let ExpressionKind::Call { func, args: [condition, ..], .. } = expression.kind()
            && func.as_global().is_some_and(|global| global.name == "assert")
        {
            self.test(*condition);
        }
        true
    }
}
