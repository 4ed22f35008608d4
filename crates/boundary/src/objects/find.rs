//! Searches, and reading of attributes.
//!
//! A crypto-user finds its own objects, those that are shared with it, its login's session objects and the public objects
//! of everyone; an admin finds every token object, and is given references and labels only, except of the public ones.

use std::sync::{Arc, PoisonError, RwLock};

use strongroom_wire::codec::List;
use strongroom_wire::messages::{FindRequest, FindResponse, ObjectView, ObjectsResponse};
use strongroom_wire::{AttributeType, AttributeValue, Role, Rv, Secret, Template};

use super::Objects;
use super::index::Index;
use super::object::Object;
use super::table::Scope;
use crate::attributes::encoded::Query;
use crate::{Caller, Error, Result};

/// Most references of one answer, and most bytes of attributes: well inside one message.
const LIMIT: usize = 8192;
const BYTES: usize = 640 * 1024;
/// What one object takes beside its attributes.
const VIEW_BYTES: usize = 96;
/// What an admin may search by among all objects, and is shown of those that are private.
const ADMIN_ATTRIBUTES: [AttributeType; 5] = [
    AttributeType::Class,
    AttributeType::KeyType,
    AttributeType::Label,
    AttributeType::Id,
    AttributeType::Trusted,
];
const ADMIN_VIEW: [AttributeType; 2] = [AttributeType::Label, AttributeType::Trusted];

impl Objects {
    /// The visible objects that match, ascending from `after`.
    ///
    /// # Errors
    /// `CKR_ATTRIBUTE_TYPE_INVALID` where an admin searches by what it may not see.
    pub fn find(&self, caller: &Caller, request: &FindRequest) -> Result<FindResponse> {
        self.ready()?;
        let is_public_only = request.template.bool(AttributeType::Private) == Some(false);
        let admin = caller.role == Role::Admin && !is_public_only;
        if admin
            && let Some((other, _)) =
                request.template.iter().find(|(wanted, _)| !ADMIN_ATTRIBUTES.contains(wanted))
        {
            let text = format!(
                "an admin finds objects by class, key type, label, id and trust, not by {}",
                other.name()
            );
            return Err(Error::refused(Rv::ATTRIBUTE_TYPE_INVALID, text));
        }
        let query = Query::new(&request.template);
        let kind =
            (request.template.ulong(AttributeType::Class), request.template.ulong(AttributeType::KeyType));
        let limit = usize::try_from(request.limit).unwrap_or(LIMIT).clamp(1, LIMIT);
        let mut found = Found { limit, after: request.after, ..Found::default() };
        for index in self.searchable(caller) {
            let index = index.read().unwrap_or_else(PoisonError::into_inner);
            let candidates = index.candidates(&query, kind);
            if candidates.exact {
                found.total += candidates.len();
                let first = request.after.saturating_add(1);
                for references in candidates.from(first..) {
                    found.references.extend(references.take(limit + 1));
                }
                continue;
            }
            for reference in candidates.from(0..).flatten() {
                if self.table.get(reference).is_some_and(|object| object.matches(&query)) {
                    found.add(reference);
                }
            }
        }
        self.page(caller, found, request.with_attributes)
    }

    /// Everything readable of some objects; those that the caller does not see are left out. The value of a data object is
    /// in no other answer.
    ///
    /// # Errors
    /// `CKR_DATA_LEN_RANGE` when the answer would not fit into one message.
    pub fn attributes(&self, caller: &Caller, references: &[u64]) -> Result<ObjectsResponse> {
        self.ready()?;
        let (mut objects, mut bytes) = (Vec::new(), 0);
        for reference in references {
            let Some(object) = self.shown(caller, *reference) else { continue };
            bytes += bytes_of(&object, true) + object.data().map_or(0, <[u8]>::len);
            if bytes > BYTES {
                return Err(Error::refused(Rv::DATA_LEN_RANGE, "too many objects at once: ask for fewer"));
            }
            let mut view = view(caller, &object, true)?;
            let is_open = object.is_public() || object.is_visible_to(caller);
            if let Some(data) = object.data().filter(|_| is_open) {
                view.attributes.set(AttributeType::Value, AttributeValue::Secret(Secret::new(data.to_vec())));
            }
            objects.push(view);
        }
        Ok(ObjectsResponse { objects: List(objects) })
    }

    fn searchable(&self, caller: &Caller) -> Vec<Arc<RwLock<Index>>> {
        match caller.role {
            Role::CryptoUser => [
                self.table.index(&Scope::Owner(Arc::clone(&caller.username))),
                self.table.index(&Scope::SharedWith(Arc::clone(&caller.username))),
                self.table.index(&Scope::Login(caller.login_id)),
                self.table.index(&Scope::Public),
            ]
            .into_iter()
            .flatten()
            .collect(),
            Role::Admin => {
                let every = self.table.indexes().into_iter();
                let searched = every.filter(|(scope, _)| matches!(scope, Scope::Owner(_) | Scope::Public));
                searched.map(|(_, index)| index).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether there is such an object that the caller sees: what it does not see is a reason to catch up first, since
    /// it may have been made or shared a moment ago.
    pub fn sees(&self, caller: &Caller, reference: u64) -> bool {
        self.shown(caller, reference).is_some()
    }

    fn shown(&self, caller: &Caller, reference: u64) -> Option<Arc<Object>> {
        let object = self.table.get(reference)?;
        let admin = caller.role == Role::Admin && object.is_token();
        (admin || object.is_visible_to(caller)).then_some(object)
    }

    fn page(&self, caller: &Caller, found: Found, with_attributes: bool) -> Result<FindResponse> {
        let Found { mut references, total, limit, .. } = found;
        references.sort_unstable();
        let mut more = references.len() > limit;
        references.truncate(limit);
        let (mut objects, mut bytes) = (Vec::with_capacity(references.len()), 0);
        for reference in references {
            let Some(object) = self.shown(caller, reference) else { continue }; // removed since
            bytes += bytes_of(&object, with_attributes);
            if bytes > BYTES && !objects.is_empty() {
                more = true;
                break;
            }
            objects.push(view(caller, &object, with_attributes)?);
        }
        Ok(FindResponse { objects: List(objects), more, total: total as u64 })
    }
}

#[derive(Default)]
struct Found {
    references: Vec<u64>,
    total: usize,
    limit: usize,
    after: u64,
}

impl Found {
    fn add(&mut self, reference: u64) {
        self.total += 1;
        if reference > self.after {
            self.references.push(reference);
        }
    }
}

fn bytes_of(object: &Object, with_attributes: bool) -> usize {
    let names = object.shared_users.iter().map(|username| username.len() + 2).sum::<usize>();
    VIEW_BYTES + if with_attributes { object.attributes.len() + names } else { 0 }
}

/// The owner, those whom an object is shared with and an admin are told with whom it is shared.
fn view(caller: &Caller, object: &Object, with_attributes: bool) -> Result<ObjectView> {
    let admin = caller.role == Role::Admin;
    if !with_attributes && !admin {
        return Ok(object.view_of(Template::new()));
    }
    let mut view = object.view()?;
    if admin && !object.is_public() {
        view.attributes = view
            .attributes
            .iter()
            .filter(|(attribute, _)| ADMIN_VIEW.contains(attribute))
            .map(|(attribute, value)| (attribute, value.clone()))
            .collect();
    }
    let named = object.is_owned_by(caller) || object.is_shared_with(&caller.username);
    if !with_attributes || !(admin || named) {
        view.shared_users.0.clear();
    }
    Ok(view)
}
