//! What others have sent and nobody has taken yet: encoded, as it came, by who listens to it.
//!
//! In Luau there is only the number of a queue. So what others send cannot grow in this process,
//! and is no part of what its script uses: the bytes of the mailbox have a limit of their own.

use ipc::limits::MESSAGE_OVERHEAD;
use slab::Slab;
use std::collections::{HashMap, VecDeque};

/// Bytes of a message beside its texts and its body.
const ENTRY: usize = size_of::<(usize, Letter)>();

/// Empty places that are kept.
const KEPT: usize = 1024;

/// No letter.
const NONE: usize = usize::MAX;

/// One message.
#[derive(Debug)]
pub(crate) struct Letter {
    /// Sender, topic and body, one after the other.
    bytes: Box<[u8]>,
    from: u32,
    topic: u32,
    /// Its place among all that have come.
    order: u64,
    /// The next one in the same queue.
    next: usize,
}

impl Letter {
    /// Texts come out of headers, so their lengths fit.
    pub(crate) fn new(from: &[u8], topic: &[u8], body: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(from.len() + topic.len() + body.len());
        for part in [from, topic, body] {
            bytes.extend_from_slice(part);
        }
        let (from, topic) = (from.len() as u32, topic.len() as u32);
        Letter { bytes: bytes.into_boxed_slice(), from, topic, order: 0, next: NONE }
    }

    fn split(&self) -> (&[u8], &[u8], &[u8]) {
        let (from, rest) = self.bytes.split_at(self.from as usize);
        let (topic, body) = rest.split_at(self.topic as usize);
        (from, topic, body)
    }

    pub(crate) fn from(&self) -> &[u8] {
        self.split().0
    }

    pub(crate) fn topic(&self) -> &[u8] {
        self.split().1
    }

    pub(crate) fn body(&self) -> &[u8] {
        self.split().2
    }

    /// What it is charged; as [`ipc::frame::charge`].
    pub(crate) fn charge(&self) -> usize {
        self.bytes.len() - self.from as usize + MESSAGE_OVERHEAD
    }
}

/// Letters in order, each naming the next.
#[derive(Clone, Copy, Debug)]
struct Chain {
    first: usize,
    last: usize,
}

impl Chain {
    const EMPTY: Chain = Chain { first: NONE, last: NONE };

    fn push(&mut self, letters: &mut Slab<Letter>, number: usize) {
        match letters.get_mut(self.last) {
            Some(last) => last.next = number,
            None => self.first = number,
        }
        self.last = number;
    }

    fn pop(&mut self, letters: &mut Slab<Letter>) -> Option<Letter> {
        let letter = letters.try_remove(self.first)?;
        self.first = letter.next;
        if self.first == NONE {
            self.last = NONE;
        }
        Some(letter)
    }
}

/// What waits for one listener, or for the inbox.
#[derive(Debug)]
struct Queue {
    chain: Chain,
    /// Takers get Messages, not values.
    messages: bool,
    /// Somebody waits for a letter.
    wanted: bool,
}

/// All letters.
#[derive(Debug)]
pub(crate) struct Mail {
    letters: Slab<Letter>,
    queues: Slab<Queue>,
    /// Listeners, by topic.
    topics: HashMap<Box<[u8]>, usize>,
    /// The topic of the last letter that had a listener, and that: most are of the same one.
    last: Option<(Box<[u8]>, usize)>,
    inbox: Option<usize>,
    /// What nobody has subscribed to yet, in order of arrival.
    unclaimed: Chain,
    /// A queue for each letter that came while the queue was wanted.
    due: VecDeque<usize>,
    /// Bytes of all letters.
    bytes: usize,
    /// How many have come.
    count: u64,
}

impl Default for Mail {
    fn default() -> Self {
        Mail {
            letters: Slab::new(),
            queues: Slab::new(),
            topics: HashMap::new(),
            last: None,
            inbox: None,
            unclaimed: Chain::EMPTY,
            due: VecDeque::new(),
            bytes: 0,
            count: 0,
        }
    }
}

impl Mail {
    /// A letter has come.
    pub(crate) fn deliver(&mut self, mut letter: Letter) {
        self.count += 1;
        letter.order = self.count;
        let listener = self.listener(letter.topic()).or(self.inbox);
        self.bytes += letter.bytes.len();
        let number = self.letters.insert(letter);
        match listener.and_then(|queue| Some((queue, self.queues.get_mut(queue)?))) {
            Some((queue, to)) => {
                to.chain.push(&mut self.letters, number);
                if to.wanted {
                    self.due.push_back(queue);
                }
            }
            None => self.unclaimed.push(&mut self.letters, number),
        }
    }

    fn listener(&mut self, topic: &[u8]) -> Option<usize> {
        if let Some((last, queue)) = &self.last
            && **last == *topic
        {
            return Some(*queue);
        }
        let (topic, queue) = self.topics.get_key_value(topic)?;
        self.last = Some((topic.clone(), *queue));
        Some(*queue)
    }

    /// A queue for what has that topic, also of the letters that have come already.
    pub(crate) fn listen(&mut self, topic: &[u8], messages: bool) -> usize {
        let chain = self.claim(|letter| letter.topic() == topic);
        let queue = self.queues.insert(Queue { chain, messages, wanted: false });
        self.topics.insert(topic.into(), queue);
        queue
    }

    /// A queue for whatever has no listener.
    pub(crate) fn open_inbox(&mut self) -> usize {
        let chain = self.claim(|_| true);
        let queue = self.queues.insert(Queue { chain, messages: true, wanted: false });
        self.inbox = Some(queue);
        queue
    }

    /// Takes letters that nobody has subscribed to out of their chain.
    fn claim(&mut self, is_wanted: impl Fn(&Letter) -> bool) -> Chain {
        let (mut claimed, mut rest) = (Chain::EMPTY, Chain::EMPTY);
        let mut number = self.unclaimed.first;
        while let Some(letter) = self.letters.get_mut(number) {
            let next = std::mem::replace(&mut letter.next, NONE);
            let chain = if is_wanted(letter) { &mut claimed } else { &mut rest };
            chain.push(&mut self.letters, number);
            number = next;
        }
        self.unclaimed = rest;
        claimed
    }

    /// Nothing more comes to the listener of that topic; what it has stays until it is taken. True where
    /// it has nothing: then there is no such queue any more.
    pub(crate) fn unlisten(&mut self, topic: &[u8]) -> bool {
        self.last = None;
        let Some(queue) = self.topics.remove(topic) else { return false };
        let is_empty = self.queues.get(queue).is_some_and(|queue| queue.chain.first == NONE);
        if is_empty {
            self.discard(queue);
        }
        is_empty
    }

    /// The queue is not used any more.
    pub(crate) fn discard(&mut self, queue: usize) {
        self.queues.try_remove(queue);
    }

    /// The next letter of a queue, whether it is to be given as a Message, and how many bytes less are
    /// held when it is dropped.
    pub(crate) fn take(&mut self, queue: usize) -> Option<(Letter, bool, usize)> {
        let queue = self.queues.get_mut(queue)?;
        let letter = queue.chain.pop(&mut self.letters)?;
        let mut freed = letter.bytes.len();
        self.bytes -= freed;
        if self.letters.is_empty() && self.letters.capacity() > KEPT {
            freed += self.letters.capacity() * ENTRY;
            self.letters = Slab::new();
        }
        Some((letter, queue.messages, freed))
    }

    /// Somebody waits, or nobody does, for the next letter of a queue.
    pub(crate) fn want(&mut self, queue: usize, wanted: bool) {
        if let Some(queue) = self.queues.get_mut(queue) {
            queue.wanted = wanted;
        }
    }

    /// True where somebody may have waited for a letter that has come.
    pub(crate) fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// The queue of the next letter that came while somebody waited for it.
    pub(crate) fn next_due(&mut self) -> Option<usize> {
        while let Some(queue) = self.due.pop_front() {
            if self.queues.get(queue).is_some_and(|queue| queue.wanted) {
                return Some(queue);
            }
        }
        None
    }

    /// All letters that nobody has taken, in the order in which they have come.
    pub(crate) fn take_all(&mut self) -> Vec<Letter> {
        let letters = std::mem::take(self).letters;
        let mut letters: Vec<_> = letters.into_iter().map(|(_, letter)| letter).collect();
        letters.sort_unstable_by_key(|letter| letter.order);
        letters
    }

    /// Bytes of memory that all letters take.
    pub(crate) fn held(&self) -> usize {
        self.bytes + self.letters.capacity() * ENTRY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(topic: &str, body: u8) -> Letter {
        Letter::new(b"p", topic.as_bytes(), &[body])
    }

    fn taken(mail: &mut Mail, queue: usize) -> Vec<u8> {
        let next = || mail.take(queue).map(|(letter, ..)| letter.body()[0]);
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn a_letter_has_its_parts() {
        let letter = Letter::new(b"from", b"topic", b"body");
        let parts = (letter.from(), letter.topic(), letter.body());
        assert_eq!(parts, (&b"from"[..], &b"topic"[..], &b"body"[..]));
        assert_eq!(letter.charge(), ipc::frame::charge("topic", 4));
    }

    #[test]
    fn letters_go_to_their_listener_or_the_inbox_or_wait_for_one() {
        let mut mail = Mail::default();
        for (topic, body) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
            mail.deliver(letter(topic, body));
        }
        let a = mail.listen(b"a", false);
        mail.deliver(letter("a", 5));
        mail.deliver(letter("b", 6));
        assert_eq!(taken(&mut mail, a), [1, 3, 5]);
        let inbox = mail.open_inbox();
        mail.deliver(letter("c", 7));
        mail.deliver(letter("a", 8));
        assert_eq!(taken(&mut mail, inbox), [2, 4, 6, 7]);
        assert!(!mail.unlisten(b"a"), "it has a letter");
        mail.deliver(letter("a", 9));
        assert_eq!(taken(&mut mail, a), [8]);
        assert_eq!(taken(&mut mail, inbox), [9]);
        mail.discard(a);
        assert!(mail.take(a).is_none());
        assert_eq!((mail.bytes, mail.letters.len()), (0, 0));
    }

    #[test]
    fn what_nobody_has_taken_is_given_back_in_the_order_in_which_it_came() {
        let mut mail = Mail::default();
        let a = mail.listen(b"a", false);
        for (topic, body) in [("a", 1), ("b", 2), ("a", 3), ("c", 4), ("b", 5)] {
            mail.deliver(letter(topic, body));
        }
        assert!(mail.take(a).is_some());
        mail.unlisten(b"a");
        let inbox = mail.open_inbox();
        mail.deliver(letter("a", 6));
        assert!(mail.take(inbox).is_some());
        let bodies: Vec<_> = mail.take_all().iter().map(|letter| letter.body()[0]).collect();
        assert_eq!(bodies, [3, 4, 5, 6]);
        assert_eq!((mail.held(), mail.take_all().len()), (0, 0));
    }

    #[test]
    fn an_empty_queue_goes_with_its_listener() {
        let mut mail = Mail::default();
        let first = mail.listen(b"a", false);
        assert!(mail.unlisten(b"a") && !mail.unlisten(b"a"));
        assert_eq!((mail.queues.len(), mail.listen(b"b", false)), (0, first));
    }

    #[test]
    fn what_is_freed_is_what_is_held_less() {
        let mut mail = Mail::default();
        let queue = mail.listen(b"a", false);
        for _ in 0..2 * KEPT {
            mail.deliver(letter("a", 1));
        }
        assert!(mail.held() >= 2 * KEPT * (ENTRY + 3));
        while let (held, Some((_, _, freed))) = (mail.held(), mail.take(queue)) {
            assert_eq!(mail.held() + freed, held);
        }
        assert_eq!(mail.held(), 0);
    }

    #[test]
    fn who_waits_is_due_once_for_each_letter_in_the_order_of_letters() {
        let mut mail = Mail::default();
        let (a, b) = (mail.listen(b"a", false), mail.listen(b"b", false));
        mail.deliver(letter("a", 1));
        assert!(!mail.is_due());
        mail.want(a, true);
        mail.want(b, true);
        for topic in ["b", "a", "b"] {
            mail.deliver(letter(topic, 2));
        }
        assert_eq!((mail.next_due(), mail.next_due()), (Some(b), Some(a)));
        mail.want(b, false);
        assert_eq!(mail.next_due(), None);
    }
}
