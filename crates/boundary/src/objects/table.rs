//! All published objects, by reference and by what searches name.

use std::array;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::index::Index;
use super::object::Object;
use crate::attributes::{CKO_CERTIFICATE, CKO_DATA, CKO_PRIVATE_KEY};
use strongroom_wire::AttributeType;

const SHARDS: usize = 64;

/// Objects that are searched together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Private token objects of a user.
    Owner(Arc<str>),
    /// Private token objects that their owners share with a user.
    SharedWith(Arc<str>),
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
    by_user: HashMap<Arc<str>, Held>,
    tokens: usize,
    certificates: usize,
    private_keys: usize,
    token_data: usize,
    session_data: usize,
    sessions: usize,
}

/// How many token objects name a user, and how.
#[derive(Debug, Default)]
struct Held {
    owned: usize,
    shared: usize,
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
        let old = self.get(object.reference);
        if old.as_ref().is_some_and(|old| old.version >= object.version) {
            return;
        }
        counts.share_names(&mut object);
        let object = Arc::new(object);
        if let Some(old) = &old {
            counts.remove(old);
        }
        counts.add(&object);
        self.shard(object.reference)
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(object.reference, Arc::clone(&object));
        let scopes = scopes_of(&object);
        if let Some(old) = &old {
            let kept: HashSet<&Scope> = scopes.iter().collect();
            scopes_of(old).iter().filter(|scope| !kept.contains(scope)).for_each(|scope| {
                self.drop_from_index(scope, old);
            });
        }
        for scope in scopes {
            let index = {
                let mut scopes = self.scopes.write().unwrap_or_else(PoisonError::into_inner);
                Arc::clone(scopes.entry(scope).or_default())
            };
            // One change, so that no search misses the object.
            let mut index = index.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(old) = &old {
                index.remove(old);
            }
            index.insert(&object);
        }
    }

    /// Takes an object out; its material is wiped when the last use of it ends.
    pub fn remove(&self, reference: u64) {
        let mut counts = self.counts();
        let removed =
            self.shard(reference).write().unwrap_or_else(PoisonError::into_inner).remove(&reference);
        if let Some(object) = removed {
            scopes_of(&object).iter().for_each(|scope| self.drop_from_index(scope, &object));
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
        owner.map_or(counts.tokens, |owner| counts.by_user.get(owner).map_or(0, |user| user.owned))
    }

    /// Certificates among the token objects.
    pub fn certificates(&self) -> usize {
        self.counts().certificates
    }

    /// Private keys among the token objects.
    pub fn private_keys(&self) -> usize {
        self.counts().private_keys
    }

    /// Data objects among the token objects, or among the session objects.
    pub fn data_objects(&self, are_tokens: bool) -> usize {
        let counts = self.counts();
        if are_tokens { counts.token_data } else { counts.session_data }
    }

    /// Session objects.
    pub fn session_objects(&self) -> usize {
        self.counts().sessions
    }

    fn drop_from_index(&self, scope: &Scope, object: &Object) {
        let Some(index) = self.index(scope) else { return };
        let mut index = index.write().unwrap_or_else(PoisonError::into_inner);
        index.remove(object);
        if index.is_empty() {
            self.scopes.write().unwrap_or_else(PoisonError::into_inner).remove(scope);
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
        let is_data = usize::from(object.class.object_class == CKO_DATA);
        if object.is_token() {
            self.token_data += is_data;
            self.tokens += 1;
            self.certificates += usize::from(object.class.object_class == CKO_CERTIFICATE);
            self.private_keys += usize::from(object.class.object_class == CKO_PRIVATE_KEY);
            self.by_user.entry(Arc::clone(&object.owner)).or_default().owned += 1;
            for shared in &object.shared_users {
                self.by_user.entry(Arc::clone(shared)).or_default().shared += 1;
            }
        } else {
            self.session_data += is_data;
            self.sessions += 1;
        }
    }

    fn remove(&mut self, object: &Object) {
        let is_data = usize::from(object.class.object_class == CKO_DATA);
        if !object.is_token() {
            self.session_data -= is_data;
            self.sessions -= 1;
            return;
        }
        self.token_data -= is_data;
        self.tokens -= 1;
        self.certificates -= usize::from(object.class.object_class == CKO_CERTIFICATE);
        self.private_keys -= usize::from(object.class.object_class == CKO_PRIVATE_KEY);
        self.change(&object.owner, |user| user.owned -= 1);
        for shared in &object.shared_users {
            self.change(shared, |user| user.shared -= 1);
        }
    }

    fn change(&mut self, username: &str, change: impl FnOnce(&mut Held)) {
        if let Some(user) = self.by_user.get_mut(username) {
            change(user);
            if (user.owned, user.shared) == (0, 0) {
                self.by_user.remove(username);
            }
        }
    }

    /// Lets an object's names be those that are here, so that there is one copy of each.
    fn share_names(&self, object: &mut Object) {
        for name in object.shared_users.iter_mut().chain([&mut object.owner]) {
            if let Some((known, _)) = self.by_user.get_key_value(name) {
                *name = Arc::clone(known);
            }
        }
    }
}

/// What an object is searched in; an admin searches all but [`Scope::SharedWith`], and meets no object twice.
fn scopes_of(object: &Object) -> Vec<Scope> {
    if !object.is_token() {
        return vec![Scope::Login(object.login_id)];
    }
    if !object.flags.has(AttributeType::Private) {
        return vec![Scope::Public];
    }
    let shared = object.shared_users.iter().map(|username| Scope::SharedWith(Arc::clone(username)));
    shared.chain([Scope::Owner(Arc::clone(&object.owner))]).collect()
}
