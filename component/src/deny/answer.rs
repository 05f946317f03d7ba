//! What a denied function answers.
//!
//! The interface's author wrote down how a call can fail, and named it; so the name of a case decides. The lists are in
//! the order of preference.

use std::cmp::Reverse;

use wit_parser::{Function, FunctionKind, Handle, Type, TypeDefKind};

use super::world::{Resource, World};

/// A value that stands in the place of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A number, a truth value, a character or flags, as bits.
    Bits(u64),
    /// A text that says why.
    Message,
    /// An empty text, list or map.
    Empty,
    /// The fields of a record, a tuple, or a list of fixed length.
    Fields(Vec<Answer>),
    /// A case by its index, and its payload.
    Case(u32, Option<Box<Answer>>),
    /// A new resource of the adapter's own.
    Inert(Resource),
}

impl Answer {
    fn says_why(&self) -> bool {
        match self {
            Self::Message => true,
            Self::Fields(fields) => fields.iter().any(Self::says_why),
            Self::Case(_, payload) => payload.as_ref().is_some_and(|payload| payload.says_why()),
            Self::Bits(_) | Self::Empty | Self::Inert(_) => false,
        }
    }
}

/// Cases that say it, whole names.
const DENIED: &[&str] = &[
    "access-denied",
    "permission-denied",
    "not-permitted",
    "denied",
    "forbidden",
    "access",
    "http-request-denied",
    "destination-not-allowed",
    "address-not-allowed",
    "unauthorized",
];
/// Parts of the names of such cases.
const DENYING: &[&str] =
    &["denied", "not-permitted", "not-allowed", "forbidden", "prohibited", "unauthorized"];
/// Cases that carry whatever text.
const WITH_TEXT: &[&str] = &[
    "other",
    "internal-error",
    "runtime-error",
    "upstream",
    "provider",
    "io",
    "error",
    "unknown",
    "internal",
];
/// Cases that say no more than that it went wrong.
const PLAIN: &[&str] =
    &["other", "unknown", "error", "runtime-error", "internal-error", "internal", "failed", "failure"];
/// Cases after which a caller tries again.
const PASSING: &[&str] =
    &["would-block", "try-again", "again", "pending", "in-progress", "busy", "interrupted"];
/// Cases of error types that are no errors.
const NO_ERROR: &[&str] = &["success", "ok", "none", "no-error"];

/// The first error number of POSIX, "operation not permitted". No number says so everywhere; zero mostly is success.
const NOT_PERMITTED: u64 = 1;
/// The largest list of fixed length that is made, in bytes.
const MAX_FIXED: usize = 4096;

/// Where a value stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is the result, and has to be a denial by itself.
    Result,
    /// It is inside an error, or tells of one.
    Error,
}

/// The answer of a function, if it has one; else it traps.
pub(super) fn answer(world: &World, function: &Function) -> Option<Answer> {
    let place = if is_of_an_error(world, function) { Place::Error } else { Place::Result };
    value(world, function.result.as_ref()?, place)
}

/// A method of a resource that is an error itself, which the adapter may have given out as one.
fn is_of_an_error(world: &World, function: &Function) -> bool {
    let (FunctionKind::Method(id) | FunctionKind::AsyncMethod(id)) = &function.kind else {
        return false;
    };
    let name = world.resolve.types[*id].name.as_deref().unwrap_or_default();
    name == "error" || name.ends_with("-error")
}

fn value(world: &World, ty: &Type, place: Place) -> Option<Answer> {
    let inside = place == Place::Error;
    let id = match ty {
        Type::Bool | Type::F32 | Type::F64 => return inside.then_some(Answer::Bits(0)),
        Type::Char => return inside.then_some(Answer::Bits('?'.into())),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::S8 | Type::S16 | Type::S32 | Type::S64 => {
            return inside.then_some(Answer::Bits(NOT_PERMITTED));
        }
        Type::String => return Some(if inside { Answer::Message } else { Answer::Empty }),
        Type::ErrorContext => return None,
        Type::Id(id) => *id,
    };
    let all = |types: &mut dyn Iterator<Item = &Type>| {
        types.map(|ty| value(world, ty, place)).collect::<Option<_>>().map(Answer::Fields)
    };
    match world.kind(id).1 {
        TypeDefKind::Type(ty) => value(world, ty, place),
        TypeDefKind::Flags(_) => Some(Answer::Bits(0)),
        TypeDefKind::Record(record) => all(&mut record.fields.iter().map(|field| &field.ty)),
        TypeDefKind::Tuple(tuple) => all(&mut tuple.types.iter()),
        TypeDefKind::FixedLengthList(element, length) if world.size(ty) <= MAX_FIXED => {
            all(&mut (0..*length).map(|_| element))
        }
        TypeDefKind::List(_) | TypeDefKind::Map(..) => Some(Answer::Empty),
        TypeDefKind::Option(ty) => {
            let told = if inside { value(world, ty, place) } else { None };
            let told = told.filter(Answer::says_why).map(Box::new);
            Some(Answer::Case(u32::from(told.is_some()), told))
        }
        TypeDefKind::Result(result) => {
            let payload = match &result.err {
                Some(ty) => Some(Box::new(value(world, ty, Place::Error)?)),
                None => None,
            };
            Some(Answer::Case(1, payload))
        }
        TypeDefKind::Variant(variant) => {
            let cases = variant.cases.iter().map(|case| (case.name.as_str(), case.ty.as_ref()));
            best(world, cases, place)
        }
        TypeDefKind::Enum(cases) => {
            best(world, cases.cases.iter().map(|case| (case.name.as_str(), None)), place)
        }
        TypeDefKind::Handle(handle @ Handle::Own(_)) => {
            world.resource(handle).filter(|resource| resource.is_ours).map(Answer::Inert)
        }
        TypeDefKind::Handle(Handle::Borrow(_))
        | TypeDefKind::FixedLengthList(..)
        | TypeDefKind::Future(_)
        | TypeDefKind::Stream(_)
        | TypeDefKind::Resource
        | TypeDefKind::Unknown => None,
    }
}

/// The case that denies best, of those that can be made. As a result, only a denial by its name will do.
fn best<'a>(
    world: &World,
    cases: impl Iterator<Item = (&'a str, Option<&'a Type>)>,
    place: Place,
) -> Option<Answer> {
    let made = (0..).zip(cases).filter_map(|(index, (name, ty))| {
        let payload = match ty {
            Some(ty) => Some(Box::new(value(world, ty, Place::Error)?)),
            None => None,
        };
        let says_why = payload.as_ref().is_some_and(|payload| payload.says_why());
        let rank = rank(&name.to_ascii_lowercase(), says_why, payload.is_some())?;
        (place == Place::Error || rank.0 <= Rank::Denying).then_some((rank, index, payload))
    });
    let (_, index, payload) = made.min_by_key(|(rank, index, _)| (*rank, Reverse(*index)))?;
    Some(Answer::Case(index, payload))
}

/// How well a case denies, the best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Denied,
    Denying,
    WithText,
    AnyText,
    Plain,
    Any,
    Passing,
}

/// The rank of a case, and the order within the rank.
fn rank(name: &str, says_why: bool, has_payload: bool) -> Option<(Rank, usize)> {
    let place = |names: &[&str]| names.iter().position(|it| *it == name);
    if NO_ERROR.contains(&name) {
        return None;
    }
    if let Some(place) = place(DENIED) {
        return Some((Rank::Denied, place));
    }
    if let Some(place) = DENYING.iter().position(|it| name.contains(it)) {
        return Some((Rank::Denying, place));
    }
    if says_why {
        return Some(place(WITH_TEXT).map_or((Rank::AnyText, 0), |place| (Rank::WithText, place)));
    }
    if let (false, Some(place)) = (has_payload, place(PLAIN)) {
        return Some((Rank::Plain, place));
    }
    Some(if PASSING.contains(&name) { (Rank::Passing, 0) } else { (Rank::Any, 0) })
}
