//! A first walk through a source: which locals change, and where they are got, tested and used.

use crate::excused::Excused;
use luau_syntax::ast::{
    AstVisitor, BinaryOp, Expression, ExpressionKind, Local, LocalId, Statement, UnaryOp,
};
use luau_syntax::location::Position;
use std::collections::HashSet;

/// What is known of the locals of a source before its names are looked at.
#[derive(Debug, Default)]
pub(crate) struct Locals {
    /// Locals that are assigned to after their declaration.
    pub(crate) changed: HashSet<LocalId>,
    /// What is got, tested and used, and where.
    pub(crate) excused: Excused,
}

impl Locals {
    fn pair<'a>(
        &mut self,
        locals: impl Iterator<Item = Option<&'a Local<'a>>>,
        values: &[Expression<'_>],
        at: Position,
    ) {
        let locals: Vec<_> = locals.take(2).collect();
        if let ([Some(value), Some(error)], [call]) = (&locals[..], values)
            && call.as_call().is_some()
        {
            self.excused.pair(value.identity(), error.identity(), at);
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
            _ => {
                if let Some(local) = condition.as_local() {
                    self.excused.test(local.local, condition.location().begin);
                }
            }
        }
    }

    /// `local ok = value ~= nil`, `local failed = not value`: a test that is kept.
    fn keep(&mut self, value: Expression<'_>) {
        match value.kind() {
            ExpressionKind::Grouped(inner) => self.keep(inner),
            ExpressionKind::Unary { op: UnaryOp::Not, rhs } => self.keep_of(rhs, value),
            ExpressionKind::Binary { lhs, op: BinaryOp::Equal | BinaryOp::NotEqual, rhs } => {
                self.keep_of(lhs, value);
                self.keep_of(rhs, value);
            }
            ExpressionKind::Binary { lhs, op: BinaryOp::And | BinaryOp::Or, rhs } => {
                self.keep(lhs);
                self.keep(rhs);
            }
            _ => {}
        }
    }

    fn keep_of(&mut self, tested: Expression<'_>, test: Expression<'_>) {
        match tested.as_local() {
            Some(local) => {
                self.excused.test(local.local, tested.location().begin);
                self.excused.keep(local.local, tested.location().begin);
            }
            None if tested.location() != test.location() => self.keep(tested),
            None => {}
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
        let at = statement.location().begin;
        if let Some(statement) = statement.as_local() {
            statement.values.iter().for_each(|value| self.keep(*value));
            self.pair(statement.bindings.iter().map(|local| Some(*local)), statement.values, at);
        }
        true
    }

    fn visit_assign_statement(&mut self, statement: Statement<'ast>) -> bool {
        if let Some(assign) = statement.as_assign() {
            let locals =
                assign.vars.iter().map(|variable| variable.as_local().map(|local| local.local));
            self.changed.extend(locals.clone().flatten().map(Local::identity));
            assign.values.iter().for_each(|value| self.keep(*value));
            self.pair(locals, assign.values, statement.location().begin);
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

    fn visit_numeric_for_statement(&mut self, statement: Statement<'ast>) -> bool {
        self.excused.repeated(statement.location());
        true
    }

    fn visit_generic_for_statement(&mut self, statement: Statement<'ast>) -> bool {
        self.excused.repeated(statement.location());
        true
    }

    fn visit_function_literal_expression(&mut self, expression: Expression<'ast>) -> bool {
        self.excused.function(expression.location());
        true
    }

    fn visit_local_expression(&mut self, expression: Expression<'ast>) -> bool {
        if let Some(local) = local(expression) {
            self.excused.used(local, expression.location().begin);
        }
        true
    }

    fn visit_while_statement(&mut self, statement: Statement<'ast>) -> bool {
        self.excused.repeated(statement.location());
        statement.as_while().into_iter().for_each(|one| self.test(one.condition));
        true
    }

    fn visit_repeat_statement(&mut self, statement: Statement<'ast>) -> bool {
        self.excused.repeated(statement.location());
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
