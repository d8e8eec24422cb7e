//! Children of the supervisor that are no workers, and no zygotes that work: the programs that
//! zygotes are forked from, which end at once; retired zygotes; and the first processes of pid
//! namespaces, which live as long as anybody lives there.

use crate::children::Born;
use std::collections::BTreeMap;

/// Which attendant. Never used twice: whoever lets go of one that is gone lets go of nobody.
pub(crate) type AttendantId = usize;

/// One of them.
#[derive(Debug)]
pub(crate) struct Attendant {
    pub(crate) born: Born,
    /// The nest that it serves.
    pub(crate) nest: usize,
    /// Who lives in its namespace: the zygote and its workers.
    members: usize,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Attendants {
    pub(crate) all: BTreeMap<AttendantId, Attendant>,
    last: AttendantId,
}

impl Attendants {
    /// The id of the next one.
    pub(crate) fn next_id(&self) -> AttendantId {
        self.last + 1
    }

    pub(crate) fn add(&mut self, attendant: Attendant) -> AttendantId {
        self.last += 1;
        self.all.insert(self.last, attendant);
        self.last
    }

    /// Somebody lives in its namespace.
    pub(crate) fn join(&mut self, id: Option<AttendantId>) {
        if let Some(attendant) = id.and_then(|id| self.all.get_mut(&id)) {
            attendant.members += 1;
        }
    }

    /// Somebody who lived there is gone and reaped. The last one takes the namespace along.
    pub(crate) fn leave(&mut self, id: Option<AttendantId>) {
        let Some(attendant) = id.and_then(|id| self.all.get_mut(&id)) else { return };
        attendant.members = attendant.members.saturating_sub(1);
        if attendant.members == 0 {
            attendant.born.kill();
        }
    }
}

impl Attendant {
    pub(crate) fn new(born: Born, nest: usize) -> Self {
        Attendant { born, nest, members: 0 }
    }
}
