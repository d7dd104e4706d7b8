//! How lists and maps are given back: one inside another a hundred thousand times over, as a loop of a template makes them, must not
//! take the thread's stack.

use std::rc::Rc;

use super::{List, Map, Value};

impl Drop for List {
    fn drop(&mut self) {
        if let Some(mut body) = self.body.take().and_then(Rc::into_inner)
            && body.items.iter().chain(&body.behind).any(holds_more)
        {
            body.items.append(&mut body.behind);
            give_back(body.items);
        }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        if let Some(entries) = self.entries.take().and_then(Rc::into_inner) {
            let entries = entries.into_inner();
            if entries.values().any(holds_more) {
                give_back(entries.into_values().collect());
            }
        }
    }
}

fn holds_more(value: &Value) -> bool {
    matches!(value, Value::List(_) | Value::Map(_))
}

/// Drops values one after the other; what the last owner of a list or map gives free is waited for, not gone into.
fn give_back(mut waiting: Vec<Value>) {
    while let Some(value) = waiting.pop() {
        match value {
            Value::List(mut list) => {
                if let Some(body) = list.body.take().and_then(Rc::into_inner) {
                    waiting.extend(body.items);
                    waiting.extend(body.behind);
                }
            }
            Value::Map(mut map) => {
                if let Some(entries) = map.entries.take().and_then(Rc::into_inner) {
                    waiting.extend(entries.into_inner().into_values());
                }
            }
            _ => {}
        }
    }
}
