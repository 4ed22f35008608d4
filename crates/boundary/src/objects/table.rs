//! All published objects, by reference and by what searches name.

use std::array;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::index::Index;
use super::object::Object;
use strongroom_wire::AttributeType;

const SHARDS: usize = 64;

/// Objects that are searched together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Private token objects of a user.
    Owner(Arc<str>),
    /// Session objects of a login.
    Login(u64),
    /// Token objects with CKA_PRIVATE false: every crypto-user sees them.
    Public,
}

/// The table. Readers take one shard's lock for the time of a look-up; writers are serial.
#[derive(Debug)]
pub struct Table {
    shards: [RwLock<HashMap<u64, Arc<Object>>>; SHARDS],
    scopes: RwLock<HashMap<Scope, Arc<RwLock<Index>>>>,
    /// Held by writers for the whole of a change.
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    by_owner: HashMap<Arc<str>, usize>,
    tokens: usize,
    sessions: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            shards: array::from_fn(|_| RwLock::default()),
            scopes: RwLock::default(),
            counts: Mutex::default(),
        }
    }
}

impl Table {
    /// The published version of an object.
    pub fn get(&self, reference: u64) -> Option<Arc<Object>> {
        self.shard(reference).read().unwrap_or_else(PoisonError::into_inner).get(&reference).cloned()
    }

    /// Puts an object in, in place of an older version. A version that is not newer changes nothing.
    pub fn insert(&self, mut object: Object) {
        let mut counts = self.counts();
        if let Some((name, _)) = counts.by_owner.get_key_value(&object.owner) {
            object.owner = Arc::clone(name); // one copy of each name
        }
        let object = Arc::new(object);
        if let Some(old) = self.get(object.reference) {
            if old.version >= object.version {
                return;
            }
            self.drop_from_index(&old);
        } else {
            counts.add(&object);
        }
        self.shard(object.reference)
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(object.reference, Arc::clone(&object));
        let index = {
            let mut scopes = self.scopes.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(scopes.entry(scope_of(&object)).or_default())
        };
        index.write().unwrap_or_else(PoisonError::into_inner).insert(&object);
    }

    /// Takes an object out; its material is wiped when the last use of it ends.
    pub fn remove(&self, reference: u64) {
        let mut counts = self.counts();
        let removed =
            self.shard(reference).write().unwrap_or_else(PoisonError::into_inner).remove(&reference);
        if let Some(object) = removed {
            self.drop_from_index(&object);
            counts.remove(&object);
        }
    }

    /// The index of a scope, when anything is in it.
    pub fn index(&self, scope: &Scope) -> Option<Arc<RwLock<Index>>> {
        self.scopes.read().unwrap_or_else(PoisonError::into_inner).get(scope).cloned()
    }

    /// Every scope's index.
    pub fn indexes(&self) -> Vec<(Scope, Arc<RwLock<Index>>)> {
        let scopes = self.scopes.read().unwrap_or_else(PoisonError::into_inner);
        scopes.iter().map(|(scope, index)| (scope.clone(), Arc::clone(index))).collect()
    }

    /// Token objects, or those of an owner.
    pub fn token_objects(&self, owner: Option<&str>) -> usize {
        let counts = self.counts();
        owner.map_or(counts.tokens, |owner| counts.by_owner.get(owner).copied().unwrap_or(0))
    }

    /// Session objects.
    pub fn session_objects(&self) -> usize {
        self.counts().sessions
    }

    fn drop_from_index(&self, object: &Object) {
        let scope = scope_of(object);
        let Some(index) = self.index(&scope) else { return };
        let mut index = index.write().unwrap_or_else(PoisonError::into_inner);
        index.remove(object);
        if index.is_empty() {
            self.scopes.write().unwrap_or_else(PoisonError::into_inner).remove(&scope);
        }
    }

    fn shard(&self, reference: u64) -> &RwLock<HashMap<u64, Arc<Object>>> {
        // References are random, so their low bits spread evenly.
        #[allow(clippy::cast_possible_truncation)]
        &self.shards[reference as usize % SHARDS]
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn add(&mut self, object: &Object) {
        if object.is_token() {
            self.tokens += 1;
            *self.by_owner.entry(Arc::clone(&object.owner)).or_default() += 1;
        } else {
            self.sessions += 1;
        }
    }

    fn remove(&mut self, object: &Object) {
        if !object.is_token() {
            self.sessions -= 1;
            return;
        }
        self.tokens -= 1;
        if let Some(count) = self.by_owner.get_mut(&object.owner) {
            *count -= 1;
            if *count == 0 {
                self.by_owner.remove(&object.owner);
            }
        }
    }
}

fn scope_of(object: &Object) -> Scope {
    if !object.is_token() {
        Scope::Login(object.login_id)
    } else if object.flags.has(AttributeType::Private) {
        Scope::Owner(Arc::clone(&object.owner))
    } else {
        Scope::Public
    }
}
