//! The app's variables and the templates that use them.
//!
//! As in Spin: a variable has its value from `--variable`, from the environment as `SPIN_VARIABLE_NAME`, or from
//! its default; a template names one as `{{ name }}`.

use std::collections::BTreeMap;

use spin_deps_manifest::Manifest;
use spin_deps_registry::Environment;

use crate::{Error, suggest};

/// Prefix of environment variables that give a variable its value.
const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE_";

/// The values of an app's variables.
pub(crate) struct Variables {
    values: BTreeMap<String, String>,
}

impl Variables {
    /// Finds the value of every variable. One that is required and has none is an error only where it is used.
    pub(crate) fn new(
        manifest: &Manifest,
        given: &BTreeMap<String, String>,
        environment: &Environment,
    ) -> Result<Self, Error> {
        if let Some(name) = given.keys().find(|name| !manifest.variables.contains_key(*name)) {
            let known = manifest.variables.keys().map(String::as_str);
            return Err(Error::Unknown {
                message: format!("the app has no variable `{name}`"),
                hint: Some(suggest::hint(name, known, "it has")),
            });
        }
        let mut values = BTreeMap::new();
        for (name, variable) in &manifest.variables {
            let from_environment =
                || environment.get(&format!("{ENVIRONMENT_PREFIX}{}", name.to_ascii_uppercase()));
            if let Some(value) =
                given.get(name).cloned().or_else(from_environment).or_else(|| variable.default.clone())
            {
                values.insert(name.clone(), value);
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
                hint: format!(
                    "give it with `--variable {name}=VALUE` or {ENVIRONMENT_PREFIX}{}",
                    name.to_ascii_uppercase()
                ),
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
}
