//! A queue that takes from each address in turn, so that who sends much waits for himself and not for others' sake.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

/// What waits, by address.
#[derive(Debug)]
pub(crate) struct FairQueue<T> {
    waiting: HashMap<IpAddr, VecDeque<T>>,
    /// The addresses of which something waits, the next one first.
    turns: VecDeque<IpAddr>,
    length: usize,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self { waiting: HashMap::new(), turns: VecDeque::new(), length: 0 }
    }
}

impl<T> FairQueue<T> {
    pub(crate) fn push(&mut self, address: IpAddr, item: T) {
        let own = self.waiting.entry(address).or_default();
        if own.is_empty() {
            self.turns.push_back(address);
        }
        own.push_back(item);
        self.length += 1;
    }

    /// The oldest of the address whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let address = self.turns.pop_front()?;
        let own = self.waiting.get_mut(&address)?;
        let item = own.pop_front();
        if own.is_empty() {
            self.waiting.remove(&address);
        } else {
            self.turns.push_back(address);
        }
        self.length -= usize::from(item.is_some());
        item
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_address_delays_another_by_one() {
        let mut queue = FairQueue::default();
        let (loud, quiet) = (IpAddr::from([127, 0, 0, 2]), IpAddr::from([127, 0, 0, 1]));
        (0..100).for_each(|number| queue.push(loud, number));
        queue.push(quiet, 1_000);
        queue.push(quiet, 1_001);
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order[..6], [0, 1_000, 1, 1_001, 2, 3]);
        assert_eq!((order.len(), queue.len()), (102, 0));
        queue.push(loud, 7);
        queue.clear();
        assert_eq!((queue.pop(), queue.len()), (None, 0));
    }
}
