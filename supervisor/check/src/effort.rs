//! How much of the analyzer a source may take.
//!
//! The analyzer looks at its clock only while it solves; what it does before and after grows with the
//! square or the cube of some figures of a source. Those are counted first, and a source beyond a limit
//! is not given to it. At the limits it takes some seconds and some hundred MiB.

use luau_syntax::ast::{AstNode, AstVisitor, Block, Expression, LocalId, Statement};
use luau_syntax::location::Position;
use std::collections::HashMap;
use std::time::Instant;

/// Seconds in which the types of one source must be solved.
pub(crate) const SECONDS_MAX: f64 = 10.0;

/// Seconds for the sources of an app together; each that comes later has [`HURRIED_SECONDS_MAX`].
const APP_SECONDS_MAX: f64 = 60.0;

/// Seconds for a source when those of the app are used up.
const HURRIED_SECONDS_MAX: f64 = 1.0;

/// Expressions and statements of one source: a table of 20,000 records.
const NODES_MAX: usize = 300_000;

/// Expressions and statements times blocks: for each of them it goes through the blocks of a source.
const SEARCHES_MAX: usize = 60_000_000;

/// How often the branches and loops of one function may test or set one local: behind each is another
/// type of it, made of all those before.
const FORKS_MAX: usize = 250;

/// The time that the sources of an app have.
pub(crate) struct Budget(Instant);

impl Budget {
    pub(crate) fn new() -> Self {
        Budget(Instant::now())
    }

    /// Seconds for the next one.
    pub(crate) fn seconds(&self) -> f64 {
        let left = APP_SECONDS_MAX - self.0.elapsed().as_secs_f64();
        left.clamp(HURRIED_SECONDS_MAX, SECONDS_MAX)
    }
}

/// What a source asks of the analyzer.
#[derive(Debug, Default)]
pub(crate) struct Effort {
    nodes: usize,
    blocks: usize,
    /// The most that one local is tested and set in one function.
    forks: usize,
    /// So far, for the function that is being walked through.
    here: HashMap<LocalId, usize>,
    /// The end of the outermost branch or loop.
    forked_until: Position,
    tests: bool,
}

impl Effort {
    /// Why the analyzer does not get this source, where it is too much, and what to do.
    pub(crate) fn excess(&self) -> Option<(String, &'static str)> {
        let Effort { nodes, blocks, forks, .. } = *self;
        if nodes > NODES_MAX {
            let why = format!("it has {nodes} expressions and statements, more than {NODES_MAX}");
            return Some((why, "move data into a file of its own"));
        }
        if nodes.saturating_mul(blocks) > SEARCHES_MAX {
            let why = format!("it has {nodes} expressions and statements in {blocks} blocks");
            return Some((why, "divide it into several libraries"));
        }
        (forks > FORKS_MAX).then(|| {
            let why = format!(
                "branches and loops of a function test or set a local {forks} times, more than {FORKS_MAX}"
            );
            (why, "divide the function, or look things up in a table")
        })
    }

    fn fork(&mut self, local: LocalId) {
        let count = self.here.entry(local).or_default();
        *count += 1;
        self.forks = self.forks.max(*count);
    }

    fn test(&mut self, condition: Expression<'_>) {
        let nodes = self.nodes;
        self.tests = true;
        condition.visit(self);
        self.tests = false;
        // The walk comes by once more.
        self.nodes = nodes;
    }

    /// A branch or a loop, with what it tests. True: the walk goes on inside it.
    fn branch(&mut self, statement: Statement<'_>, condition: Option<Expression<'_>>) -> bool {
        condition.into_iter().for_each(|condition| self.test(condition));
        self.nodes += 1;
        self.forked_until = self.forked_until.max(statement.location().end);
        true
    }

    fn set(&mut self, variables: &[Expression<'_>], at: Position) {
        self.nodes += 1;
        let forked = at < self.forked_until;
        for local in variables.iter().filter(|_| forked).filter_map(|one| one.as_local()) {
            self.fork(local.local.identity());
        }
    }
}

impl<'ast> AstVisitor<'ast> for Effort {
    fn visit_node(&mut self, _node: AstNode<'ast>) -> bool {
        self.nodes += 1;
        true
    }

    fn visit_block(&mut self, _block: Block<'ast>) -> bool {
        self.blocks += 1;
        true
    }

    fn visit_function_literal_expression(&mut self, expression: Expression<'ast>) -> bool {
        self.nodes += 1;
        if let Some(function) = expression.as_function()
            && !self.tests
        {
            let around = (std::mem::take(&mut self.here), self.forked_until);
            self.forked_until = Position::default();
            function.visit(self);
            (self.here, self.forked_until) = around;
        }
        false
    }

    fn visit_local_expression(&mut self, expression: Expression<'ast>) -> bool {
        self.nodes += 1;
        if let Some(local) = expression.as_local().filter(|_| self.tests) {
            self.fork(local.local.identity());
        }
        true
    }

    fn visit_if_statement(&mut self, statement: Statement<'ast>) -> bool {
        self.branch(statement, statement.as_if().map(|one| one.condition))
    }

    fn visit_while_statement(&mut self, statement: Statement<'ast>) -> bool {
        self.branch(statement, statement.as_while().map(|one| one.condition))
    }

    fn visit_repeat_statement(&mut self, statement: Statement<'ast>) -> bool {
        self.branch(statement, statement.as_repeat().map(|one| one.condition))
    }

    fn visit_numeric_for_statement(&mut self, statement: Statement<'ast>) -> bool {
        self.branch(statement, None)
    }

    fn visit_generic_for_statement(&mut self, statement: Statement<'ast>) -> bool {
        self.branch(statement, None)
    }

    fn visit_assign_statement(&mut self, statement: Statement<'ast>) -> bool {
        let variables = statement.as_assign().map_or(&[][..], |assign| assign.vars);
        self.set(variables, statement.location().begin);
        true
    }

    fn visit_compound_assign_statement(&mut self, statement: Statement<'ast>) -> bool {
        let variable = statement.as_compound_assign().map(|assign| assign.var);
        self.set(variable.as_slice(), statement.location().begin);
        true
    }
}
