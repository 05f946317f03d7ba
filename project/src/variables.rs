//! The app's variables and the templates that use them.
//!
//! As in Spin: a variable has its value from `--variable`, from a file with values, from the environment as
//! `SPIN_VARIABLE_NAME`, from a file `.env` that says the same, or from its default; a template names one as
//! `{{ name }}`.

use std::{collections::BTreeMap, path::Path};

use spin_deps_manifest::Manifest;

use crate::{Error, suggest};

/// Prefix of environment variables that give a variable its value.
const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE_";

/// The values of an app's variables.
pub(crate) struct Variables {
    values: BTreeMap<String, String>,
}

/// Values that are given for variables.
#[derive(Default)]
pub(crate) struct Given {
    /// By the user for this run, so that a name that the app does not have is a mistake.
    pub(crate) asked: BTreeMap<String, String>,
    /// By the environment or a file `.env`.
    pub(crate) surroundings: BTreeMap<String, String>,
}

/// The environment variable for a variable of the app.
pub(crate) fn environment_name(name: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", name.to_ascii_uppercase())
}

/// The values in a file: a table in TOML or, where the file's name ends so, an object in JSON. Its values are texts,
/// numbers and booleans.
pub(crate) fn from_file(path: &Path, text: &str) -> Result<BTreeMap<String, String>, Error> {
    let wrong = |reason: String| Error::Unknown {
        message: format!("{} cannot be read as values of variables: {reason}", path.display()),
        hint: Some("it is a table of names and values, such as `greeting = \"Hello\"` in TOML".into()),
    };
    let json = path.extension().is_some_and(|it| it.eq_ignore_ascii_case("json"));
    let values: serde_json::Map<String, serde_json::Value> = if json {
        serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?
    } else {
        toml_edit::de::from_str(text).map_err(|error| wrong(error.message().to_owned()))?
    };
    let mut found = BTreeMap::new();
    for (name, value) in values {
        let value = match value {
            serde_json::Value::String(text) => text,
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::Bool(bool) => bool.to_string(),
            _ => return Err(wrong(format!("`{name}` is neither a text, a number nor a boolean"))),
        };
        found.insert(name, value);
    }
    Ok(found)
}

/// The value of an environment variable in the text of a file `.env`: lines `NAME=value`, also with `export` before
/// and quotes around the value. The last one counts, and what is no such line is left aside.
pub(crate) fn from_dotenv(text: &str, variable: &str) -> Option<String> {
    let value = |line: &str| {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=')?;
        if name.trim() != variable {
            return None;
        }
        let value = value.trim();
        let quoted = |quote: char| value.strip_prefix(quote)?.split_once(quote).map(|(inner, _)| inner);
        let plain = || value.split(" #").next().unwrap_or(value).trim_end();
        Some(quoted('"').or_else(|| quoted('\'')).unwrap_or_else(plain).to_owned())
    };
    text.lines().filter_map(value).next_back()
}

impl Variables {
    /// Finds the value of every variable. One that is required and has none is an error only where it is used.
    pub(crate) fn new(manifest: &Manifest, given: &Given) -> Result<Self, Error> {
        if let Some(name) = given.asked.keys().find(|name| !manifest.variables.contains_key(*name)) {
            let known = manifest.variables.keys().map(String::as_str);
            return Err(Error::Unknown {
                message: format!("the app has no variable `{name}`"),
                hint: Some(suggest::hint(name, known, "it has")),
            });
        }
        let mut values = BTreeMap::new();
        for (name, variable) in &manifest.variables {
            let value = given.asked.get(name).or_else(|| given.surroundings.get(name));
            if let Some(value) = value.or(variable.default.as_ref()) {
                values.insert(name.clone(), value.clone());
            }
        }
        Ok(Self { values })
    }

    /// Fills a template in. `user` says who uses it, for the message.
    pub(crate) fn fill(&self, template: &str, user: &str) -> Result<String, Error> {
        let mut filled = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, tail)) = after.split_once("}}") else {
                return Err(Error::Unknown {
                    message: format!("the template `{template}` of {user} has `{{{{` without `}}}}`"),
                    hint: None,
                });
            };
            let name = name.trim();
            let value = self.values.get(name).ok_or_else(|| Error::Unanswered {
                message: format!("the variable `{name}` of {user} has no value"),
                hint: format!("give it with `--variable {name}=VALUE` or {}", environment_name(name)),
            })?;
            filled.push_str(before);
            filled.push_str(value);
            rest = tail;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        Variables { values: BTreeMap::from([("who".to_owned(), "world".to_owned())]) }
    }

    #[test]
    fn a_template_is_filled_in() {
        assert_eq!(variables().fill("Hello {{ who }}, {{who}}!", "a test").unwrap(), "Hello world, world!");
        assert_eq!(variables().fill("plain", "a test").unwrap(), "plain");
    }

    #[test]
    fn a_template_that_cannot_be_filled_is_an_error() {
        assert!(variables().fill("{{ other }}", "a test").unwrap_err().to_string().contains("`other`"));
        assert!(variables().fill("{{ who", "a test").unwrap_err().to_string().contains("without"));
    }

    #[test]
    fn values_come_from_files_in_toml_and_json() {
        let read = |path: &str, text: &str| from_file(Path::new(path), text);
        let expected =
            BTreeMap::from([("a", "text"), ("b", "1"), ("c", "true")].map(|(k, v)| (k.into(), v.into())));
        assert_eq!(read("v.toml", "a = \"text\"\nb = 1\nc = true").unwrap(), expected);
        assert_eq!(read("v.JSON", r#"{ "a": "text", "b": 1, "c": true }"#).unwrap(), expected);
        for (path, text) in
            [("v.toml", "a = "), ("v.toml", "[a]"), ("v.json", "[]"), ("v.json", r#"{"a": null}"#)]
        {
            let error = read(path, text).unwrap_err().to_string();
            assert!(error.starts_with(path), "{error}");
        }
    }

    #[test]
    fn values_come_from_a_file_of_environment_variables() {
        let text = "# SPIN_VARIABLE_A=no\nSPIN_VARIABLE_A = one # a comment\n export SPIN_VARIABLE_B=\"t w # o\" x\n\
                    SPIN_VARIABLE_C='a\"b'\nSPIN_VARIABLE_AB=3\nSPIN_VARIABLE_D=\nSPIN_VARIABLE_C='last'\nnonsense";
        let value = |name: &str| from_dotenv(text, &environment_name(name));
        assert_eq!(value("a").as_deref(), Some("one"));
        assert_eq!(value("b").as_deref(), Some("t w # o"));
        assert_eq!(value("c").as_deref(), Some("last"));
        assert_eq!(value("d").as_deref(), Some(""));
        assert_eq!(value("e"), None);
    }
}
