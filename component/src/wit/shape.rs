//! The declarations of a surface, read back from their text.
//!
//! Text is what people compare, and what is published; whether two types are the same is a matter of structure: a type
//! may have another name, or none, and be the same. The grammar is the part of WIT that this crate writes itself. Text
//! can also come from a registry, so that whatever is not a declaration is refused, and nesting is bounded.

use std::collections::BTreeSet;

use super::{surface::MAX_NESTING, text::escaped};

/// A declaration: a type, a resource, a member or a function.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Declaration {
    /// Its name; "constructor" for a constructor.
    pub(crate) name: String,
    pub(crate) shape: Shape,
}

/// What is declared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Another name for a type.
    Alias(Type),
    Record(Vec<(String, Type)>),
    Variant(Vec<(String, Option<Type>)>),
    Flags(Vec<String>),
    Enum(Vec<String>),
    Resource,
    Function(Function),
}

/// The signature of a function.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) role: Role,
    pub(crate) is_async: bool,
    pub(crate) params: Vec<(String, Type)>,
    pub(crate) result: Option<Type>,
}

/// What a function is to its resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Constructor,
    Static,
    /// A method, or a function without a resource.
    Plain,
}

/// The type of a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// One that the scope has a name for.
    Name(String),
    /// A word of the language, with its arguments: `u32`, `list<…>`, `borrow<…>`, the length of a list.
    Built(String, Vec<Type>),
}

impl Declaration {
    /// Reads a declaration that ends without a semicolon.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text, depth: 0 };
        let declaration = reader.declaration()?;
        reader.rest.is_empty().then_some(declaration)
    }

    /// The names that it mentions.
    pub(crate) fn mentions(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        match &self.shape {
            Shape::Alias(ty) => ty.names(&mut names),
            Shape::Record(fields) => fields.iter().for_each(|(_, ty)| ty.names(&mut names)),
            Shape::Variant(cases) => {
                cases.iter().filter_map(|it| it.1.as_ref()).for_each(|ty| ty.names(&mut names));
            }
            Shape::Function(function) => function.names(&mut names),
            Shape::Flags(_) | Shape::Enum(_) | Shape::Resource => {}
        }
        names
    }
}

impl Function {
    /// Reads a signature: `func(a: u32) -> string`, `async func()`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text, depth: 0 };
        let function = reader.function()?;
        reader.rest.is_empty().then_some(function)
    }

    /// Reads the signature of a plain function, whose name WIT may have no form for.
    pub(crate) fn plain(name: &str, text: &str) -> Option<Self> {
        Self::parse(signature(name, text)?)
    }

    fn names(&self, names: &mut BTreeSet<String>) {
        self.params.iter().map(|(_, ty)| ty).chain(&self.result).for_each(|ty| ty.names(names));
    }

    /// The names that it mentions.
    pub(crate) fn mentions(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        self.names(&mut names);
        names
    }
}

/// The declaration of a plain function without its name.
pub(crate) fn signature<'a>(name: &str, text: &'a str) -> Option<&'a str> {
    text.strip_prefix(&escaped(name))?.strip_prefix(": ")
}

impl Type {
    fn names(&self, names: &mut BTreeSet<String>) {
        match self {
            Self::Name(name) => {
                names.insert(name.clone());
            }
            Self::Built(_, arguments) => arguments.iter().for_each(|ty| ty.names(names)),
        }
    }
}

/// The words that stand for a type by themselves.
const WORDS: &[&str] = &[
    "_",
    "bool",
    "char",
    "error-context",
    "f32",
    "f64",
    "future",
    "result",
    "s16",
    "s32",
    "s64",
    "s8",
    "stream",
    "string",
    "u16",
    "u32",
    "u64",
    "u8",
];

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// Goes past a sign and the spaces after it, if it is next.
    fn sign(&mut self, sign: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(sign)?.trim_start_matches(' ');
        Some(())
    }

    /// The next word, as it is written.
    fn word(&mut self) -> Option<&'a str> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '%');
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end)?;
        let is_word = word.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '%'))
            && !word.get(1..)?.contains('%')
            && word != "%";
        is_word.then(|| self.rest = rest.trim_start_matches(' '))?;
        Some(word)
    }

    fn name(&mut self) -> Option<String> {
        let word = self.word()?;
        Some(word.strip_prefix('%').unwrap_or(word).to_owned())
    }

    fn declaration(&mut self) -> Option<Declaration> {
        let before = self.rest;
        let keyword = self.word()?;
        if keyword == "constructor" {
            let (params, result) = self.parameters()?;
            let function = Function { role: Role::Constructor, is_async: false, params, result };
            return Some(Declaration { name: keyword.to_owned(), shape: Shape::Function(function) });
        }
        if self.rest.starts_with(':') {
            self.rest = before;
            let name = self.name()?;
            self.sign(":")?;
            return Some(Declaration { name, shape: Shape::Function(self.function()?) });
        }
        let name = self.name()?;
        let shape = match keyword {
            "type" => {
                self.sign("=")?;
                Shape::Alias(self.ty()?)
            }
            "resource" => Shape::Resource,
            "record" => Shape::Record(self.block(|this| {
                let name = this.name()?;
                this.sign(":")?;
                Some((name, this.ty()?))
            })?),
            "variant" => Shape::Variant(self.block(|this| {
                let name = this.name()?;
                let mut payload = None;
                if this.sign("(").is_some() {
                    payload = Some(this.ty()?);
                    this.sign(")")?;
                }
                Some((name, payload))
            })?),
            "flags" => Shape::Flags(self.block(Self::name)?),
            "enum" => Shape::Enum(self.block(Self::name)?),
            _ => return None,
        };
        Some(Declaration { name, shape })
    }

    fn block<T>(&mut self, one: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.sign("{")?;
        self.list("}", one)
    }

    /// What commas separate, up to the sign that ends it.
    fn list<T>(&mut self, end: &str, mut one: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut all = Vec::new();
        if self.sign(end).is_some() {
            return Some(all);
        }
        loop {
            all.push(one(self)?);
            if self.sign(end).is_some() {
                return Some(all);
            }
            self.sign(",")?;
        }
    }

    fn function(&mut self) -> Option<Function> {
        let (mut role, mut is_async) = (Role::Plain, false);
        loop {
            match self.word()? {
                "static" if role == Role::Plain && !is_async => role = Role::Static,
                "async" if !is_async => is_async = true,
                "func" => break,
                _ => return None,
            }
        }
        let (params, result) = self.parameters()?;
        Some(Function { role, is_async, params, result })
    }

    #[expect(clippy::type_complexity, reason = "the two halves of a signature")]
    fn parameters(&mut self) -> Option<(Vec<(String, Type)>, Option<Type>)> {
        self.sign("(")?;
        let params = self.list(")", |this| {
            let name = this.name()?;
            this.sign(":")?;
            Some((name, this.ty()?))
        })?;
        let result = match self.sign("->") {
            Some(()) => Some(self.ty()?),
            None => None,
        };
        Some((params, result))
    }

    fn ty(&mut self) -> Option<Type> {
        // A borrow adds a level to what the surface counts.
        if self.depth > MAX_NESTING + 1 {
            return None;
        }
        let word = self.word()?;
        if let Some(name) = word.strip_prefix('%') {
            return Some(Type::Name(name.to_owned()));
        }
        if self.sign("<").is_some() {
            self.depth += 1;
            let arguments = self.list(">", Self::ty)?;
            self.depth -= 1;
            return Some(Type::Built(word.to_owned(), arguments));
        }
        let is_word = WORDS.contains(&word) || word.bytes().all(|byte| byte.is_ascii_digit());
        Some(if is_word { Type::Built(word.to_owned(), Vec::new()) } else { Type::Name(word.to_owned()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_read() {
        let shown = |text: &str| {
            let declaration = Declaration::parse(text).unwrap();
            let names: Vec<_> = declaration.mentions().into_iter().collect();
            format!("{} [{}]", declaration.name, names.join(" "))
        };
        assert_eq!(shown("type x = list<point, 4>"), "x [point]");
        assert_eq!(shown("resource blob"), "blob []");
        assert_eq!(shown("record r { point: point, %type: %list }"), "r [list point]");
        assert_eq!(shown("variant v { none, some(result<_, tuple<a, option<b>>>) }"), "v [a b]");
        assert_eq!(shown("enum %enum { red, %func }"), "enum []");
        assert_eq!(shown("constructor(size: u32) -> result<blob>"), "constructor [blob]");
        assert_eq!(shown("func-a: static async func(b: borrow<blob>)"), "func-a [blob]");
        assert_eq!(shown("record: func() -> future<stream>"), "record []");
        let function = Function::plain("acme:odd/name", "acme:odd/name: async func()").unwrap();
        assert!(function.is_async && function.mentions().is_empty());
    }

    #[test]
    fn what_is_not_a_declaration_is_refused() {
        let deep = format!("type x = {}u8{}", "list<".repeat(5000), ">".repeat(5000));
        for text in [
            "",
            "type",
            "type x",
            "type x = ",
            "type x = list<u8",
            "record r { a }",
            "record r { a: u8, }",
            "x: func",
            "x: func() -> ",
            "x: async async func()",
            "resource blob;",
            "resource bl\u{1b}ob",
            "resource % ",
            "world w",
            &deep,
        ] {
            assert_eq!(Declaration::parse(text), None, "{text}");
        }
        assert!(WORDS.is_sorted());
    }
}
