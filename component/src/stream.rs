//! Reading Wasm that arrives in pieces, in little memory.
//!
//! wasmparser wants a section whole before it says what is in it. That is right for types, imports and exports, which
//! are small. What makes a file large — code, data and custom sections, such as debug information — says nothing of
//! what a component is, and is passed over: code function by function, data segment by segment. Instead of a large
//! data section the parser is shown the same one with empty segments, so that their number and their offsets are
//! still checked; instead of a large custom section, its beginning. In memory there is one section at a time, and
//! what the validator keeps of the types.

use std::io::{ErrorKind, Read};

use wasmparser::{
    BinaryReader, BinaryReaderError, Chunk, ConstExpr, Encoding, FuncValidatorAllocations, Parser, Payload,
    ValidPayload, Validator, WasmFeatures, types::Types,
};

use crate::InspectError;

/// How deep components and modules may be nested. A toolchain makes three or four levels, a composition one more each.
const MAX_DEPTH: usize = 100;
/// How much is read at once, in bytes.
const BLOCK: usize = 128 << 10;
/// A data or custom section up to this length, in bytes, is read whole.
const SMALL: u32 = 2 << 20;
/// What is read of a larger custom section: its name, which is shorter, and the beginning of its content.
const BEGINNING: u32 = 128 << 10;
/// The longest of the sections that have to be read whole, and the longest function. No toolchain comes near.
const LIMIT: usize = 32 << 20;
/// The longest function body that the validator takes, in bytes.
const MAX_FUNCTION: u32 = 7_654_321;

const CUSTOM_SECTION: u8 = 0;
const DATA_SECTION: u8 = 11;

/// What is done with the bodies of functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bodies {
    /// Passed over: only their lengths have to be right.
    Skip,
    /// Validated like the rest.
    Validate,
}

/// Reads and validates a component or module, and shows each section of the outermost level to `visit`, with the
/// number of bytes at its end that were left out. Returns the types of the outermost level, and how many bytes it read.
pub(crate) fn walk(
    reader: impl Read,
    bodies: Bodies,
    visit: &mut dyn FnMut(&Payload<'_>, usize) -> Result<(), InspectError>,
) -> Result<(Types, u64), InspectError> {
    let mut window = Window { reader, buffer: Vec::new(), start: 0, offset: 0, ended: false };
    let start = window.want(512)?;
    if !start.starts_with(b"\0asm") {
        let text = !start.is_empty() && start.iter().all(|&byte| byte >= b' ' || b"\t\r\n".contains(&byte));
        return Err(InspectError::NotWasm { text });
    }
    let mut walk = Walk {
        window,
        level: Level::new(Parser::new(0), u64::MAX, 0),
        outer: Vec::new(),
        validator: Validator::new_with_features(WasmFeatures::all()),
        allocations: FuncValidatorAllocations::default(),
    };
    loop {
        let step = match walk.large_section()? {
            Some(section) => walk.shortened(&section, visit)?,
            None => walk.next(visit)?,
        };
        match step {
            Step::Taken => {}
            Step::More(hint) => walk.window.more(hint)?,
            Step::Code { count, size } if bodies == Bodies::Skip => walk.skip_code(count, size)?,
            Step::Code { count, .. } => walk.level.functions = count,
            Step::Inner { parser, length } => walk.enter(parser, length)?,
            Step::End(types) => match walk.outer.pop() {
                Some(_) if walk.level.left > 0 => return Err(walk.window.unexpected_end()),
                Some(parent) => walk.level = parent,
                None => return Ok((*types, walk.window.offset as u64)),
            },
        }
    }
}

/// What is to be done after a payload.
enum Step {
    Taken,
    More(u64),
    Code { count: u32, size: u32 },
    Inner { parser: Parser, length: u64 },
    End(Box<Types>),
}

/// A component or module that is being read.
struct Level {
    parser: Parser,
    /// Its header was read, and this is what it said.
    encoding: Option<Encoding>,
    /// Functions of the code section that are still to come.
    functions: u32,
    /// Its bytes that are still to come; no end is known of the outermost one.
    left: u64,
    /// How many more bytes were read than the parser has seen.
    drift: usize,
}

impl Level {
    fn new(parser: Parser, left: u64, drift: usize) -> Self {
        Self { parser, encoding: None, functions: 0, left, drift }
    }

    fn malformed(&self, error: &BinaryReaderError) -> InspectError {
        InspectError::Malformed { message: error.message().to_owned(), offset: error.offset() + self.drift }
    }
}

/// The beginning of a section.
struct Header {
    id: u8,
    /// Its own length and that of the content, in bytes.
    size: usize,
    length: u32,
}

struct Walk<R> {
    window: Window<R>,
    level: Level,
    outer: Vec<Level>,
    validator: Validator,
    allocations: FuncValidatorAllocations,
}

impl<R: Read> Walk<R> {
    /// Lets the parser read on.
    fn next(
        &mut self,
        visit: &mut dyn FnMut(&Payload<'_>, usize) -> Result<(), InspectError>,
    ) -> Result<Step, InspectError> {
        let Self { window, level, outer, validator, allocations, .. } = self;
        let data = window.available();
        let data = data.get(..within(level.left, data.len())).unwrap_or_default();
        let is_last = window.ended || data.len() as u64 == level.left;
        let (consumed, payload) =
            match level.parser.parse(data, is_last).map_err(|error| level.malformed(&error))? {
                Chunk::NeedMoreData(hint) => return Ok(Step::More(hint)),
                Chunk::Parsed { consumed, payload } => (consumed, payload),
            };
        let step = match validator.payload(&payload).map_err(|error| level.malformed(&error))? {
            ValidPayload::Ok => {
                if outer.is_empty() {
                    visit(&payload, 0)?;
                }
                match payload {
                    Payload::Version { encoding, .. } => {
                        level.encoding = Some(encoding);
                        Step::Taken
                    }
                    Payload::CodeSectionStart { count, size, .. } => Step::Code { count, size },
                    _ => Step::Taken,
                }
            }
            ValidPayload::Func(function, body) => {
                let mut function = function.into_validator(std::mem::take(allocations));
                function.validate(&body).map_err(|error| level.malformed(&error))?;
                *allocations = function.into_allocations();
                level.functions = level.functions.saturating_sub(1);
                Step::Taken
            }
            ValidPayload::Parser(parser) => match payload {
                Payload::ModuleSection { unchecked_range, .. }
                | Payload::ComponentSection { unchecked_range, .. } => {
                    Step::Inner { parser, length: unchecked_range.len() as u64 }
                }
                _ => Step::Taken,
            },
            ValidPayload::End(types) => Step::End(Box::new(types)),
        };
        self.consume(consumed);
        Ok(step)
    }

    fn consume(&mut self, count: usize) {
        self.window.consume(count);
        self.level.left = self.level.left.saturating_sub(count as u64);
    }

    /// Goes on with what is inside of a section.
    fn enter(&mut self, parser: Parser, length: u64) -> Result<(), InspectError> {
        if length > self.level.left {
            return Err(self.window.malformed("section too large"));
        }
        if self.outer.len() == MAX_DEPTH {
            let message = format!("components are nested more than {MAX_DEPTH} deep");
            return Err(self.window.malformed(&message));
        }
        self.level.left -= length;
        let inner = Level::new(parser, length, self.level.drift);
        self.outer.push(std::mem::replace(&mut self.level, inner));
        Ok(())
    }

    /// The section that comes next, if it is one that is not read whole.
    fn large_section(&mut self) -> Result<Option<Header>, InspectError> {
        let Some(encoding) = self.level.encoding.filter(|_| self.level.functions == 0) else {
            return Ok(None);
        };
        let start = self.window.want(6)?;
        let Some((&id, rest)) = start.split_first() else { return Ok(None) };
        let mut reader = BinaryReader::new(rest, 0);
        let Ok(length) = reader.read_var_u32() else { return Ok(None) };
        let size = 1 + reader.current_position();
        let can_be_shortened = id == CUSTOM_SECTION || (id == DATA_SECTION && encoding == Encoding::Module);
        let fits = size as u64 + u64::from(length) <= self.level.left;
        Ok((can_be_shortened && length > SMALL && fits).then_some(Header { id, size, length }))
    }

    /// Reads a large section, and shows the parser a shorter one.
    fn shortened(
        &mut self,
        header: &Header,
        visit: &mut dyn FnMut(&Payload<'_>, usize) -> Result<(), InspectError>,
    ) -> Result<Step, InspectError> {
        self.window.consume(header.size);
        let content = if header.id == DATA_SECTION {
            self.empty_segments(header.length)?
        } else {
            self.window.take(BEGINNING, header.length - BEGINNING)?
        };
        let mut section = vec![header.id];
        let mut length = content.len();
        for place in 2..=header.size {
            let byte = u8::try_from(length & 0x7f).unwrap_or_default();
            length >>= 7;
            section.push(if place == header.size { byte } else { byte | 0x80 });
        }
        section.extend(content);

        let Self { level, outer, validator, .. } = self;
        let parsed = level.parser.parse(&section, true).map_err(|error| level.malformed(&error))?;
        let missing = header.size + header.length as usize - section.len();
        if let Chunk::Parsed { payload, .. } = parsed {
            validator.payload(&payload).map_err(|error| level.malformed(&error))?;
            if outer.is_empty() {
                visit(&payload, missing)?;
            }
        }
        level.drift += missing;
        level.left = level.left.saturating_sub(header.size as u64 + u64::from(header.length));
        Ok(Step::Taken)
    }

    /// The content of a data section whose segments are empty.
    fn empty_segments(&mut self, length: u32) -> Result<Vec<u8>, InspectError> {
        let end = self.window.offset.saturating_add(length as usize);
        let mut content = Vec::new();
        let count = self.window.number(end, &mut content)?;
        for _ in 0..count {
            let flags = self.window.copy(end, &mut content, |reader| {
                let flags = reader.read_var_u32()?;
                if flags == 2 {
                    reader.read_var_u32()?;
                }
                if matches!(flags, 0 | 2) {
                    reader.read::<ConstExpr<'_>>()?;
                }
                Ok(flags)
            })?;
            if flags > 2 {
                return Err(self.window.malformed("invalid flags byte in data segment"));
            }
            content.push(0);
            let size = self.window.number(end, &mut Vec::new())?;
            if size as usize > end.saturating_sub(self.window.offset) {
                return Err(self.window.unexpected_end());
            }
            self.window.skip(u64::from(size))?;
            if content.len() > LIMIT {
                return Err(self.window.too_long());
            }
        }
        let trailing = end.saturating_sub(self.window.offset);
        if trailing > 0 {
            // One of these bytes is enough for the parser to refuse them.
            content.push(0);
            self.window.skip(trailing as u64)?;
        }
        Ok(content)
    }

    /// Passes over the functions of a code section.
    fn skip_code(&mut self, count: u32, size: u32) -> Result<(), InspectError> {
        let end = self.window.offset.saturating_add(size as usize);
        if u64::from(size) > self.level.left {
            return Err(self.window.unexpected_end());
        }
        for _ in 0..count {
            let length = self.window.number(end, &mut Vec::new())?;
            if length > MAX_FUNCTION {
                return Err(self.window.malformed("function body size is out of bounds"));
            }
            if length as usize > end.saturating_sub(self.window.offset) {
                return Err(self.window.unexpected_end());
            }
            self.window.skip(u64::from(length))?;
        }
        if self.window.offset != end {
            return Err(self.window.malformed("trailing bytes at end of section"));
        }
        self.level.parser.skip_section();
        self.level.left -= u64::from(size);
        Ok(())
    }
}

/// The part of the stream that is in memory.
struct Window<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Where in the buffer that which is not consumed begins.
    start: usize,
    /// The same place in the stream.
    offset: usize,
    /// The reader has no more.
    ended: bool,
}

impl<R: Read> Window<R> {
    fn available(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    fn consume(&mut self, count: usize) {
        self.start += count;
        self.offset += count;
    }

    /// Reads once, at most `count` bytes.
    fn fill(&mut self, count: usize) -> Result<(), InspectError> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let filled = self.buffer.len();
        self.buffer.resize(filled + count, 0);
        let free = self.buffer.get_mut(filled..).unwrap_or_default();
        let read = loop {
            match self.reader.read(free) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => break outcome.map_err(InspectError::Read)?,
            }
        };
        self.buffer.truncate(filled + read);
        self.ended = read == 0;
        Ok(())
    }

    /// The next `count` bytes, and what else is at hand; fewer at the end.
    fn want(&mut self, count: usize) -> Result<&[u8], InspectError> {
        while self.available().len() < count && !self.ended {
            self.fill(BLOCK)?;
        }
        Ok(self.available())
    }

    /// Reads more for a section that is read whole: in proportion to what there is, whatever it says that it needs.
    fn more(&mut self, hint: u64) -> Result<(), InspectError> {
        let have = self.available().len();
        if have > LIMIT {
            return Err(self.too_long());
        }
        let wanted = usize::try_from(hint).unwrap_or(usize::MAX);
        self.fill(wanted.clamp(BLOCK, have.max(BLOCK)))
    }

    fn skip(&mut self, mut count: u64) -> Result<(), InspectError> {
        while count > 0 {
            let have = within(count, self.want(1)?.len());
            if have == 0 {
                return Err(self.unexpected_end());
            }
            self.consume(have);
            count -= have as u64;
        }
        Ok(())
    }

    /// The next `count` bytes; as many as `rest` after them are passed over.
    fn take(&mut self, count: u32, rest: u32) -> Result<Vec<u8>, InspectError> {
        let count = count as usize;
        let Some(taken) = self.want(count)?.get(..count).map(<[u8]>::to_vec) else {
            return Err(self.unexpected_end());
        };
        self.consume(count);
        self.skip(u64::from(rest))?;
        Ok(taken)
    }

    /// Reads a number, as [`Window::copy`] does.
    fn number(&mut self, end: usize, copy: &mut Vec<u8>) -> Result<u32, InspectError> {
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method is for a reader of one lifetime, the closure for any"
        )]
        self.copy(end, copy, |reader| reader.read_var_u32())
    }

    /// Reads something that ends at `end` at the latest and appends its bytes to `copy`.
    fn copy<T>(
        &mut self,
        end: usize,
        copy: &mut Vec<u8>,
        read: impl Fn(&mut BinaryReader<'_>) -> Result<T, BinaryReaderError>,
    ) -> Result<T, InspectError> {
        let (offset, most) = (self.offset, end.saturating_sub(self.offset).min(LIMIT));
        let mut tried = 64;
        loop {
            let count = most.min(tried);
            let data = self.want(count)?;
            let data = data.get(..count).unwrap_or(data);
            let mut reader = BinaryReader::new(data, offset);
            match read(&mut reader) {
                Ok(value) => {
                    let size = reader.current_position();
                    copy.extend_from_slice(data.get(..size).unwrap_or_default());
                    self.consume(size);
                    return Ok(value);
                }
                // With more bytes it may be a whole one.
                Err(_) if data.len() == count && count < most => tried *= 2,
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn malformed(&self, message: &str) -> InspectError {
        InspectError::Malformed { message: message.to_owned(), offset: self.offset }
    }

    fn unexpected_end(&self) -> InspectError {
        self.malformed("unexpected end-of-file")
    }

    fn too_long(&self) -> InspectError {
        self.malformed(&format!("a section is longer than the {LIMIT} bytes that are read"))
    }
}

/// The smaller one.
fn within(left: u64, available: usize) -> usize {
    usize::try_from(left).map_or(available, |left| left.min(available))
}
