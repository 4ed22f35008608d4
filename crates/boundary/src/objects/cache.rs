//! Keys ready for use are kept for the objects that are in use, at most so many (an RSA key takes several kilobytes).

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::made;
use super::object::Object;
use crate::Result;
use crate::mechanisms::KeyHandle;

const CAPACITY: usize = 4096;

/// Which objects have a handle, oldest first. A hit touches nothing of this.
#[derive(Debug)]
pub struct HandleCache {
    capacity: usize,
    holders: Mutex<VecDeque<Weak<Object>>>,
}

impl Default for HandleCache {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl HandleCache {
    pub const fn with_capacity(capacity: usize) -> Self {
        Self { capacity, holders: Mutex::new(VecDeque::new()) }
    }

    /// The key of an object, ready for use.
    ///
    /// # Errors
    /// The object has no key.
    pub fn handle(&self, object: &Arc<Object>) -> Result<Arc<KeyHandle>> {
        if let Some(handle) = &*object.handle.read().unwrap_or_else(PoisonError::into_inner) {
            if !object.recently_used.load(Ordering::Relaxed) {
                object.recently_used.store(true, Ordering::Relaxed);
            }
            return Ok(Arc::clone(handle));
        }
        let built = Arc::new(made::handle_of(object)?);
        {
            let mut slot = object.handle.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(handle) = &*slot {
                return Ok(Arc::clone(handle)); // another thread was faster
            }
            *slot = Some(Arc::clone(&built));
        }
        self.admit(object);
        Ok(built)
    }

    /// Makes room: the oldest handle that was not used since it was last looked at goes.
    fn admit(&self, object: &Arc<Object>) {
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        while holders.len() >= self.capacity {
            let Some(oldest) = holders.pop_front() else { break };
            let Some(oldest_object) = oldest.upgrade() else { continue };
            if oldest_object.recently_used.swap(false, Ordering::Relaxed) {
                holders.push_back(oldest);
            } else {
                *oldest_object.handle.write().unwrap_or_else(PoisonError::into_inner) = None;
            }
        }
        holders.push_back(Arc::downgrade(object));
    }
}
