//! What a component asks of the app that uses it, as its author published it (SIP 026).
//!
//! JSON in the custom section [`REQUIRES_SECTION`]. It names what an app must have for the component to work: variables,
//! stores, hosts. It grants nothing; whoever adds the component decides what it inherits. So a section in a newer format
//! than this takes nothing away: it is passed over, and the component is as good as one that asks for nothing.
//!
//! ```json
//! {"format_version":1,"variables":["token"],"allowed_outbound_hosts":["https://api.example.com"]}
//! ```

use serde::{Deserialize, Deserializer, Serialize};

/// The name of the custom section.
pub const REQUIRES_SECTION: &str = "spin:requires";
/// The version of the format that is written, and the newest that is read.
pub const REQUIRES_FORMAT_VERSION: u64 = 1;

/// The longest section that is read, in bytes.
const MAX_LENGTH: usize = 1024 * 1024;

/// What a component asks of its app, by capability key. Each list is in the order of its author.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Requires {
    /// Variables that it reads, by name.
    #[serde(deserialize_with = "names", skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<String>,
    /// Labels of key-value stores.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub key_value_stores: Vec<String>,
    /// Labels of databases.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sqlite_databases: Vec<String>,
    /// AI models.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ai_models: Vec<String>,
    /// Hosts that it calls, as Spin writes them: `https://api.example.com`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_outbound_hosts: Vec<String>,
    /// Environment variables that it reads, by name.
    #[serde(deserialize_with = "names", skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<String>,
    /// Files that it reads.
    #[serde(deserialize_with = "names", skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

/// Names, each alone or in an object that says more of it. What has a default is not required.
fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Name(String),
        More {
            #[serde(alias = "destination")]
            name: String,
            #[serde(default)]
            default: Option<serde::de::IgnoredAny>,
        },
    }
    let written = Vec::<Written>::deserialize(deserializer)?;
    let required = written.into_iter().filter_map(|it| match it {
        Written::Name(name) | Written::More { name, default: None } => Some(name),
        Written::More { default: Some(_), .. } => None,
    });
    Ok(required.collect())
}

/// Why the section cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RequiresError {
    /// The text is not what SIP 026 says.
    #[error("it is not a list of requirements: {0}")]
    Malformed(String),
    /// Longer than any honest one.
    #[error("it is {0} bytes long, at most {MAX_LENGTH} are read")]
    TooLong(usize),
    /// A component holds two.
    #[error("there is more than one")]
    Repeated,
    /// The section is not text.
    #[error("it is not UTF-8 text")]
    NotUtf8,
}

impl Requires {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.by_key().all(|(_, values)| values.is_empty())
    }

    /// What is asked for, by the key that `spin.toml` has for it, in the keys' order.
    pub fn by_key(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        [
            ("ai_models", self.ai_models.as_slice()),
            ("allowed_outbound_hosts", &self.allowed_outbound_hosts),
            ("environment", &self.environment),
            ("files", &self.files),
            ("key_value_stores", &self.key_value_stores),
            ("sqlite_databases", &self.sqlite_databases),
            ("variables", &self.variables),
        ]
        .into_iter()
    }

    /// The text of the section: the same requirements give the same bytes.
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Written<'a> {
            format_version: u64,
            #[serde(flatten)]
            requires: &'a Requires,
        }
        serde_json::to_string(&Written { format_version: REQUIRES_FORMAT_VERSION, requires: self })
            .expect("requirements are only strings")
    }

    /// Reads the text of the section; `None` if it has a newer format. Keys that are not known belong to later editions
    /// of the format and are passed over.
    pub fn from_json(text: &str) -> Result<Option<Self>, RequiresError> {
        #[derive(Deserialize)]
        struct Probe {
            format_version: u64,
        }
        let malformed = |error: serde_json::Error| RequiresError::Malformed(error.to_string());
        let probe: Probe = serde_json::from_str(text).map_err(malformed)?;
        if probe.format_version > REQUIRES_FORMAT_VERSION {
            return Ok(None);
        }
        serde_json::from_str(text).map(Some).map_err(malformed)
    }

    /// Reads the section; `missing` bytes at its end were left out, because it is very long.
    pub(crate) fn from_section(data: &[u8], missing: usize) -> Result<Option<Self>, RequiresError> {
        let length = data.len() + missing;
        if missing > 0 || length > MAX_LENGTH {
            return Err(RequiresError::TooLong(length));
        }
        Self::from_json(str::from_utf8(data).map_err(|_| RequiresError::NotUtf8)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_only_what_is_asked_for() {
        let requires = Requires {
            variables: vec!["token".into()],
            allowed_outbound_hosts: vec!["https://api.example.com".into()],
            ..Requires::default()
        };
        let text = requires.to_json();
        insta::assert_snapshot!(text, @r#"{"format_version":1,"variables":["token"],"allowed_outbound_hosts":["https://api.example.com"]}"#);
        assert_eq!(Requires::from_json(&text).unwrap(), Some(requires.clone()));
        assert!(!requires.is_empty() && Requires::default().is_empty());
    }

    #[test]
    fn a_name_may_stand_in_an_object() {
        let text = r#"{"format_version":1,"variables":["a",{"name":"b","secret":true},{"name":"c","default":"x"}],
            "files":[{"destination":"data"}],"environment":[{"name":"D","default":null}]}"#;
        let requires = Requires::from_json(text).unwrap().unwrap();
        assert_eq!(requires.variables, ["a", "b"]);
        assert_eq!((requires.files, requires.environment), (vec!["data".to_owned()], vec!["D".to_owned()]));
    }

    #[test]
    fn a_newer_format_is_passed_over() {
        assert_eq!(Requires::from_json(r#"{"format_version":2,"files":{"x":1}}"#).unwrap(), None);
    }

    #[test]
    fn what_is_not_a_list_of_requirements_is_refused() {
        let error = |text: &str| Requires::from_json(text).unwrap_err().to_string();
        insta::assert_snapshot!(error("{}"), @"it is not a list of requirements: missing field `format_version` at line 1 column 2");
        insta::assert_snapshot!(error(r#"{"format_version":1,"files":"x"}"#), @r#"it is not a list of requirements: invalid type: string "x", expected a sequence at line 1 column 31"#);
        insta::assert_snapshot!(Requires::from_section(&[0xff], 0).unwrap_err(), @"it is not UTF-8 text");
        insta::assert_snapshot!(Requires::from_section(&[], 1 << 21).unwrap_err(), @"it is 2097152 bytes long, at most 1048576 are read");
    }
}
