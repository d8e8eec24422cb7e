//! [`Turns`]: a queue in which owners take turns. Whoever has queued a thousand things holds up the
//! one thing of another by one.

use std::collections::{HashMap, VecDeque};

/// Things that wait, of owners who take turns; those of one owner keep their order.
#[derive(Debug)]
pub(crate) struct Turns<T> {
    waiting: HashMap<u64, VecDeque<T>>,
    /// The owners that something waits of, the next one first. A new one comes last: were they
    /// ordered by their numbers, ever new owners could keep an old one from its turn.
    order: VecDeque<u64>,
    len: usize,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Turns { waiting: HashMap::new(), order: VecDeque::new(), len: 0 }
    }
}

impl<T: Copy + PartialEq> Turns<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Adds something behind all others of its owner.
    pub(crate) fn push(&mut self, owner: u64, item: T) {
        let waiting = self.waiting.entry(owner).or_default();
        if waiting.is_empty() {
            self.order.push_back(owner);
        }
        waiting.push_back(item);
        self.len += 1;
    }

    /// Adds something that has had its turn already: before all others.
    pub(crate) fn put_back(&mut self, owner: u64, item: T) {
        let waiting = self.waiting.entry(owner).or_default();
        if !waiting.is_empty() {
            self.order.retain(|other| *other != owner);
        }
        self.order.push_front(owner);
        waiting.push_front(item);
        self.len += 1;
    }

    /// Whose turn it is.
    pub(crate) fn front(&self) -> Option<T> {
        self.waiting.get(self.order.front()?)?.front().copied()
    }

    /// Takes that, and turns to the next owner.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let owner = self.order.pop_front()?;
        let waiting = self.waiting.get_mut(&owner)?;
        let item = waiting.pop_front();
        match waiting.is_empty() {
            true => drop(self.waiting.remove(&owner)),
            false => self.order.push_back(owner),
        }
        self.len -= 1;
        item
    }

    /// Takes something out; false where it does not wait.
    pub(crate) fn remove(&mut self, owner: u64, item: T) -> bool {
        let Some(waiting) = self.waiting.get_mut(&owner) else { return false };
        let Some(place) = waiting.iter().position(|other| *other == item) else { return false };
        waiting.remove(place);
        self.len -= 1;
        if waiting.is_empty() {
            self.waiting.remove(&owner);
            self.order.retain(|other| *other != owner);
        }
        true
    }

    /// Takes all, in the order of the turns.
    pub(crate) fn take_all(&mut self) -> Vec<T> {
        std::iter::from_fn(|| self.pop()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(items: &[(u64, u32)]) -> Turns<u32> {
        let mut turns = Turns::default();
        items.iter().for_each(|(owner, item)| turns.push(*owner, *item));
        turns
    }

    #[test]
    fn a_burst_of_one_owner_holds_up_another_by_one() {
        let mut turns = turns(&[(1, 10), (1, 11), (1, 12), (1, 13), (2, 20), (2, 21), (3, 30)]);
        assert_eq!((turns.len(), turns.front()), (7, Some(10)));
        assert_eq!(turns.take_all(), [10, 20, 30, 11, 21, 12, 13]);
        assert!(turns.is_empty() && turns.front().is_none() && turns.pop().is_none());
    }

    #[test]
    fn ever_new_owners_keep_nobody_from_its_turn() {
        let mut turns = turns(&[(1, 1), (1, 2), (1, 3)]);
        let mut taken = Vec::new();
        for new in 100..104 {
            turns.push(u64::from(new), new);
            taken.extend(turns.pop());
        }
        assert_eq!(taken, [1, 100, 2, 101]);
    }

    #[test]
    fn what_is_put_back_comes_first_and_keeps_its_order() {
        let mut turns = turns(&[(1, 10), (1, 11), (2, 20), (2, 21)]);
        let asked = [(1, turns.pop()), (2, turns.pop())];
        for (owner, item) in asked.into_iter().rev() {
            turns.put_back(owner, item.expect("it was there"));
        }
        assert_eq!(turns.len(), 4);
        assert_eq!(turns.take_all(), [10, 20, 11, 21]);
    }

    #[test]
    fn what_is_removed_has_no_turn() {
        let mut turns = turns(&[(1, 10), (1, 11), (2, 20)]);
        assert!(turns.remove(2, 20) && turns.remove(1, 10));
        assert!(!turns.remove(2, 20) && !turns.remove(1, 20) && !turns.remove(3, 11));
        assert_eq!(turns.len(), 1);
        assert_eq!(turns.take_all(), [11]);
    }
}
