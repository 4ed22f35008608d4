//! What searches go by, for one set of objects that is searched together.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasher;
use std::ops::RangeFrom;

use strongroom_wire::AttributeType;

use super::object::Object;
use crate::attributes::encoded::{self, Query};

/// References of objects by what searches name. Values are indexed by hash, so a hit is only a candidate.
#[derive(Debug, Default)]
pub struct Index {
    all: BTreeSet<u64>,
    labels: HashMap<u64, BTreeSet<u64>>,
    ids: HashMap<u64, BTreeSet<u64>>,
    kinds: HashMap<Kind, BTreeSet<u64>>,
    hasher: RandomState,
}

/// CKA_CLASS and CKA_KEY_TYPE.
type Kind = (u64, Option<u64>);

/// The objects that can match a query.
pub struct Candidates<'a> {
    sets: Vec<&'a BTreeSet<u64>>,
    /// Whether every candidate matches, so that nobody needs to look.
    pub exact: bool,
}

impl Index {
    pub fn insert(&mut self, object: &Object) {
        self.all.insert(object.reference);
        for (attribute, values) in
            [(AttributeType::Label, &mut self.labels), (AttributeType::Id, &mut self.ids)]
        {
            if let Some(value) = encoded::value(&object.attributes, attribute) {
                values.entry(self.hasher.hash_one(value)).or_default().insert(object.reference);
            }
        }
        self.kinds.entry(kind_of(object)).or_default().insert(object.reference);
    }

    pub fn remove(&mut self, object: &Object) {
        self.all.remove(&object.reference);
        for (attribute, values) in
            [(AttributeType::Label, &mut self.labels), (AttributeType::Id, &mut self.ids)]
        {
            if let Some(value) = encoded::value(&object.attributes, attribute) {
                take(values, self.hasher.hash_one(value), object.reference);
            }
        }
        take(&mut self.kinds, kind_of(object), object.reference);
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn references(&self) -> impl Iterator<Item = u64> {
        self.all.iter().copied()
    }

    /// The smallest indexed set that holds everything that matches, of those that the query names.
    pub fn candidates(&self, query: &Query, kind: (Option<u64>, Option<u64>)) -> Candidates<'_> {
        for (attribute, values) in [(AttributeType::Label, &self.labels), (AttributeType::Id, &self.ids)] {
            if let Some(wanted) = query.wanted(attribute) {
                return Candidates {
                    sets: values.get(&self.hasher.hash_one(wanted)).into_iter().collect(),
                    exact: false,
                };
            }
        }
        let (class, key_type) = kind;
        let named = usize::from(class.is_some()) + usize::from(key_type.is_some());
        let exact = named == query.len();
        if named == 0 {
            return Candidates { sets: vec![&self.all], exact };
        }
        let fits = |known: &Kind| {
            class.is_none_or(|class| class == known.0) && (key_type.is_none() || key_type == known.1)
        };
        Candidates {
            sets: self.kinds.iter().filter(|(known, _)| fits(known)).map(|(_, set)| set).collect(),
            exact,
        }
    }
}

impl<'a> Candidates<'a> {
    pub fn len(&self) -> usize {
        self.sets.iter().map(|set| set.len()).sum()
    }

    /// Each set's references from one on, ascending within the set.
    pub fn from(&self, range: RangeFrom<u64>) -> impl Iterator<Item = impl Iterator<Item = u64> + 'a> {
        self.sets.clone().into_iter().map(move |set| set.range(range.clone()).copied())
    }
}

fn kind_of(object: &Object) -> Kind {
    (object.class.object_class, object.class.key_type)
}

fn take<K: std::hash::Hash + Eq>(sets: &mut HashMap<K, BTreeSet<u64>>, key: K, reference: u64) {
    if let std::collections::hash_map::Entry::Occupied(mut entry) = sets.entry(key) {
        entry.get_mut().remove(&reference);
        if entry.get().is_empty() {
            entry.remove();
        }
    }
}
