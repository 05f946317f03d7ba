//! Adapters that deny: components which export the interfaces that a part may not have, and have nothing behind them.
//!
//! An adapter is made for one part, out of the part's own imports. So it has exactly the functions that the part may
//! call, with exactly their types: no interface, no version and no function can be forgotten, and none can be of
//! another type than what it stands for. All interfaces that are denied to a part come from one adapter, because
//! interfaces share resources; what their types take from interfaces that are not denied, the adapter imports as the
//! part does.
//!
//! What a function answers follows from its result type alone, and is the same at every call:
//!
//! * A `result` is an error: the case of the error type whose name says that access is denied, else one that carries a
//!   text, which then says it, else the one that fits best ([`answer`]).
//! * An `option` is none; a list, a text or a set of flags is empty.
//! * A resource of the denied interfaces is an inert one. That it can be made gives nothing away, its methods answer by
//!   the same rules, and a caller that makes it first and connects it later gets the error where it expects one.
//! * Everything else traps: a number or a `false` would be a lie, and so would be returning from a function that
//!   returns nothing, whose caller takes that for success. Streams, futures and the resources of others cannot be made
//!   up. The trap's function is named by the message, which hosts show in the backtrace.
//!
//! A denied call leaves nothing behind: handles in its parameters are dropped ([`dispose`]), and the memory that the
//! parameters took is used again by the next call.

mod answer;
mod body;
mod dispose;
mod layout;
mod module;
mod world;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use self::{module::core_module, world::World};
use crate::guard::guarded;

/// The longest message that is carried along, in bytes: names in it come from elsewhere.
const MAX_MESSAGE: usize = 1000;

/// Makes the component that exports the interfaces `denied`, which the component `part` imports under these names.
/// `message` tells for an interface why it is denied.
///
/// The error is a reason in words: a type or an import that components can have and this cannot read.
pub(crate) fn adapter(
    part: &[u8],
    denied: &[String],
    message: &dyn Fn(&str) -> String,
) -> Result<Vec<u8>, String> {
    let work = || {
        let world = World::of(part, denied)?;
        let mut module = core_module(&world, &|interface| short(message(interface)))?;
        let told = |error| format!("{error:#}");
        embed_component_metadata(&mut module, &world.resolve, world.id, StringEncoding::UTF8)
            .map_err(told)?;
        let mut encoder = ComponentEncoder::default().validate(true).module(&module).map_err(told)?;
        encoder.encode().map_err(told)
    };
    guarded(work).and_then(|result| result)
}

/// The message, cut where it is very long.
fn short(mut message: String) -> String {
    if message.len() > MAX_MESSAGE {
        let end = (0..=MAX_MESSAGE).rev().find(|end| message.is_char_boundary(*end));
        message.truncate(end.unwrap_or_default());
        message.push('…');
    }
    message
}
