//! Objects between their making and the commit of their record.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use strongroom_wire::messages::SESSION_OBJECT_BIT;
use strongroom_wire::tables::KeyKind;
use strongroom_wire::{AttributeType, Rv, Template};

use super::object::Object;
use super::{Objects, Staged, record, visibility};
use crate::arena::Material;
use crate::attributes::{ClassRules, flag};
use crate::{Caller, Error, Result, mechanisms};

/// How long a change waits for the commit of another change of the same object.
const WAIT: Duration = Duration::from_secs(10);
/// How many ended logins are remembered, so that an object still staged then is not published.
const ENDED_LOGINS: usize = 4096;

/// The staged objects.
#[derive(Debug, Default)]
pub struct Staging {
    state: Mutex<State>,
    settled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    objects: HashMap<u64, Object>,
    /// Changes that wait for another.
    waiting: usize,
    ended: HashSet<u64>,
    ended_order: VecDeque<u64>,
}

impl Staging {
    /// Takes an object out. What is done with it is done before a change that waits for this one goes on.
    fn take<R>(&self, reference: u64, then: impl FnOnce(Object) -> R) -> Option<R> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let found = state.objects.remove(&reference);
        let done =
            found.filter(|object| object.is_token() || !state.ended.contains(&object.login_id)).map(then);
        self.settled.notify_all();
        done
    }

    /// How many changes wait for another.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).waiting
    }

    fn end_login(&self, login_id: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.ended.insert(login_id) {
            state.ended_order.push_back(login_id);
            if state.ended_order.len() > ENDED_LOGINS
                && let Some(oldest) = state.ended_order.pop_front()
            {
                state.ended.remove(&oldest);
            }
        }
    }
}

impl Objects {
    /// Makes staged objects usable, after the commit of their records.
    pub fn publish(&self, references: &[u64]) {
        for reference in references {
            self.staging.take(*reference, |object| self.table.insert(object));
        }
    }

    /// Wipes staged objects whose commit failed.
    pub fn discard(&self, references: &[u64]) {
        for reference in references {
            self.staging.take(*reference, drop);
        }
    }

    /// Takes objects away, published or staged.
    pub fn remove(&self, references: &[u64]) {
        self.discard(references);
        for reference in references {
            self.table.remove(*reference);
        }
    }

    /// Opens a record from the store and makes the object usable; one that is here in the same or a newer version
    /// stays.
    ///
    /// # Errors
    /// `Integrity`, naming the object.
    pub fn load(&self, reference: u64, version: u64, record: &[u8]) -> Result<()> {
        self.ready()?;
        if reference == 0 || reference & SESSION_OBJECT_BIT != 0 {
            return Err(Error::integrity(format!(
                "object {reference:016x}: no token object has such a reference"
            )));
        }
        self.table.insert(record::open(&self.keys, &self.arena, reference, version, record)?);
        Ok(())
    }

    /// Takes an ended login's session objects away; those that are staged will not be published.
    pub fn remove_login(&self, login_id: u64) {
        self.staging.end_login(login_id);
        self.remove_session_objects(login_id);
    }

    /// Takes a login's session objects away; it may make new ones.
    pub fn remove_session_objects(&self, login_id: u64) {
        let index = self.table.index(&super::table::Scope::Login(login_id));
        let references: Vec<u64> = index.map_or_else(Vec::new, |index| {
            index.read().unwrap_or_else(PoisonError::into_inner).references().collect()
        });
        self.remove(&references);
    }

    /// Stages a new object of the caller's.
    pub(super) fn stage_new(
        &self,
        caller: &Caller,
        class: &'static ClassRules,
        attributes: &Template,
        material: Option<Arc<Material>>,
    ) -> Result<Staged> {
        let is_token = flag(attributes, AttributeType::Token);
        let reference = self.new_reference(is_token)?;
        let owner = (Arc::clone(&caller.username), if is_token { 0 } else { caller.login_id });
        self.stage(Object::new((reference, 1), owner, class, attributes, material))
    }

    /// Stages an object; waits while another version of it is staged.
    pub(super) fn stage(&self, object: Object) -> Result<Staged> {
        let staged = self.staged(&object)?;
        let mut state = self.staging.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_staged = |state: &mut State| state.objects.contains_key(&object.reference);
        state.waiting += 1;
        let (mut state, waited) = self
            .staging
            .settled
            .wait_timeout_while(state, WAIT, is_staged)
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        if waited.timed_out() {
            let text = "another change of the object is being committed; try again";
            return Err(Error::refused(Rv::FUNCTION_FAILED, text));
        }
        // While we waited the other change may have been published: ours was made from what was there before.
        let now = self.table.get(object.reference).map_or(0, |published| published.version);
        if now + 1 != object.version {
            return Err(Error::refused(
                Rv::FUNCTION_FAILED,
                "the object was changed at the same time; try again",
            ));
        }
        state.objects.insert(object.reference, object);
        Ok(staged)
    }

    /// Puts another object into the place of one that is staged, of the same reference and version.
    pub(super) fn restage(
        &self,
        reference: u64,
        make: impl FnOnce(&Object) -> Result<Object>,
    ) -> Result<Staged> {
        let mut state = self.staging.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(object) = state.objects.get_mut(&reference) else {
            return Err(visibility::absent(reference, Rv::OBJECT_HANDLE_INVALID));
        };
        let made = make(object)?;
        let staged = self.staged(&made)?;
        *object = made;
        Ok(staged)
    }

    /// Refuses a new label, a new secret and new data that are longer than the operator allows.
    fn check_sizes(&self, object: &Object) -> Result<()> {
        let sizes = self.options.sizes;
        let refused = |text: String| Err(Error::refused(Rv::ATTRIBUTE_VALUE_INVALID, text));
        let label = object.text(AttributeType::Label);
        let characters = label.as_deref().unwrap_or_default().chars().count();
        let is_new = |is_as_before: &dyn Fn(&Object) -> bool| {
            self.table.get(object.reference).is_none_or(|old| !is_as_before(&old))
        };
        if characters > sizes.label_characters && is_new(&|old| old.text(AttributeType::Label) == label) {
            return refused(format!("CKA_LABEL is longer than {} characters", sizes.label_characters));
        }
        let length = object.ulong(AttributeType::ValueLen).unwrap_or(0);
        let is_secret = object.kind().is_some_and(KeyKind::is_any_bytes) && object.version == 1;
        if is_secret && length > sizes.secret_bytes {
            return refused(format!("a generic secret has 1 to {} bytes", sizes.secret_bytes));
        }
        let is_long = object.data().is_some_and(|data| data.len() > sizes.data_object_bytes);
        if is_long && is_new(&|old| old.data() == object.data()) {
            let limit = sizes.data_object_bytes;
            return refused(format!("CKA_VALUE of a data object is longer than {limit} bytes"));
        }
        Ok(())
    }

    fn staged(&self, object: &Object) -> Result<Staged> {
        self.check_sizes(object)?;
        Ok(Staged {
            reference: object.reference,
            version: object.version,
            record: if object.is_token() { record::seal(&self.keys, object)? } else { Vec::new() },
            view: object.view()?,
            is_token: object.is_token(),
        })
    }

    fn new_reference(&self, is_token: bool) -> Result<u64> {
        loop {
            let mut bytes = [0; 8];
            mechanisms::fill_random(&mut bytes)?;
            let random = u64::from_be_bytes(bytes) & !SESSION_OBJECT_BIT;
            let reference = if is_token { random } else { random | SESSION_OBJECT_BIT };
            if random != 0 && !self.knows(reference) {
                return Ok(reference);
            }
        }
    }
}
